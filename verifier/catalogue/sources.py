"""What is heard from where."""

from verifier.catalogue.family import Family, Presence, Type, Unit
from verifier.catalogue.label import SOURCE

CONTACT_DUE = Family(
    name="landed_source_contact_due_timestamp_seconds",
    type=Type.GAUGE,
    unit=Unit.SECONDS,
    help="Until when the source must be heard again, or silence about its jobs proves nothing.",
    labels=(SOURCE,),
    presence=Presence.KNOWN,
)
LAST_SIGNAL = Family(
    name="landed_source_last_signal_timestamp_seconds",
    type=Type.GAUGE,
    unit=Unit.SECONDS,
    help="When a signal last came from the source.",
    labels=(SOURCE,),
    presence=Presence.KNOWN,
)
CLOCK_OFFSET = Family(
    name="landed_source_clock_offset_seconds",
    type=Type.GAUGE,
    unit=Unit.SECONDS,
    help="How far the clock of the source is ahead of landed's.",
    labels=(SOURCE,),
    presence=Presence.KNOWN,
)
BLIND_SECONDS = Family(
    name="landed_blind_seconds_total",
    type=Type.COUNTER,
    unit=Unit.SECONDS,
    help="Time in which the source was not heard, of windows that are over.",
    labels=(SOURCE,),
)

SOURCES = (CONTACT_DUE, LAST_SIGNAL, CLOCK_OFFSET, BLIND_SECONDS)

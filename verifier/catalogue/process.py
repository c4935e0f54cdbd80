"""What one running ``serve`` tells of itself; each replica has its own."""

from verifier.catalogue import label
from verifier.catalogue.family import Family, Presence, Scope, Type, Unit

_NO_QUEUE = "each batch commits by itself: there is no queue"

BUILD_INFO = Family(
    name="landed_build_info",
    type=Type.INFO,
    help="The version of landed and the ledger that it serves; always 1.",
    labels=(label.VERSION, label.LEDGER_ID),
    scope=Scope.PROCESS,
)
CONFIG_INFO = Family(
    name="landed_config_info",
    type=Type.INFO,
    help="The configuration that is loaded; always 1.",
    labels=(label.HASH,),
    scope=Scope.PROCESS,
)
LAST_EVALUATION = Family(
    name="landed_last_evaluation_timestamp_seconds",
    type=Type.GAUGE,
    unit=Unit.SECONDS,
    help="When a turn of the loop was last completed, as of these figures.",
    labels=(label.LOOP,),
    scope=Scope.PROCESS,
    presence=Presence.KNOWN,
)
LOOP_INTERVAL = Family(
    name="landed_loop_interval_seconds",
    type=Type.GAUGE,
    unit=Unit.SECONDS,
    help="Time between two turns of the loop.",
    labels=(label.LOOP,),
    scope=Scope.PROCESS,
)
SCRAPE_TIMESTAMP = Family(
    name="landed_scrape_timestamp_seconds",
    type=Type.GAUGE,
    unit=Unit.SECONDS,
    help="What landed's clock shows while it is scraped.",
    scope=Scope.PROCESS,
)
SIGNALS = Family(
    name="landed_signals_total",
    type=Type.COUNTER,
    help="Signals that were taken, repeated ones among them.",
    labels=(label.SOURCE, label.KIND),
    scope=Scope.PROCESS,
)
SIGNALS_REJECTED = Family(
    name="landed_signals_rejected_total",
    type=Type.COUNTER,
    help="Signals that were refused, by why.",
    labels=(label.SOURCE, label.CODE),
    scope=Scope.PROCESS,
)
COMMIT_DURATION = Family(
    name="landed_signal_commit_duration_seconds",
    type=Type.HISTOGRAM,
    unit=Unit.SECONDS,
    help="Time from taking a batch of signals to its being durable.",
    scope=Scope.PROCESS,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
WRITER_QUEUE = Family(
    name="landed_writer_queue_signals",
    type=Type.GAUGE,
    unit=Unit.SIGNALS,
    help="Signals that wait to be written.",
    scope=Scope.PROCESS,
    missing=_NO_QUEUE,
)
WRITER_QUEUE_CAPACITY = Family(
    name="landed_writer_queue_capacity_signals",
    type=Type.GAUGE,
    unit=Unit.SIGNALS,
    help="Signals that may wait to be written before more are refused.",
    scope=Scope.PROCESS,
    missing=_NO_QUEUE,
)
STORE_UP = Family(
    name="landed_store_up",
    type=Type.GAUGE,
    help="1 while the store answers, 0 while it does not.",
    labels=(label.STORE,),
    scope=Scope.PROCESS,
    missing="stores are asked by checks only, and nobody keeps whether they answered",
)

PROCESS = (
    BUILD_INFO,
    CONFIG_INFO,
    LAST_EVALUATION,
    LOOP_INTERVAL,
    SCRAPE_TIMESTAMP,
    SIGNALS,
    SIGNALS_REJECTED,
    COMMIT_DURATION,
    WRITER_QUEUE,
    WRITER_QUEUE_CAPACITY,
    STORE_UP,
)

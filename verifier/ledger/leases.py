"""Leases: what one of several processes does alone, until another one takes it over.

A lease says who does it. Its ``token`` grows whenever somebody takes it, and is looked at in
every transaction that writes under it: who was away for longer than he knows writes nothing.
Its ``beat`` grows whenever the holder renews it. By that the others see whether he is there,
each by his own clock, so that no two clocks are ever compared.
"""

from datetime import datetime

import msgspec
from sqlalchemy import Connection, bindparam, select, update

from verifier.ledger.errors import LeaseLost
from verifier.ledger.schema import leases
from verifier.ledger.statements import insert_missing

NOBODY = ""
"""The holder of a lease that was given back."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """Who does what ``name`` stands for, as stored.

    ``at`` is the instant up to which it was done, by the clocks of those who did it.
    """

    name: str
    holder: str
    token: int
    beat: int
    at: datetime


_FOUND = select(leases).where(leases.c.name == bindparam("of"))
_ALONE = _FOUND.with_for_update()
_SHARED = _FOUND.with_for_update(read=True, key_share=True)
_MINE = update(leases).where(
    leases.c.name == bindparam("of"), leases.c.token == bindparam("of_token")
)
_RENEW = _MINE.values(beat=leases.c.beat + 1, at=bindparam("until"))
_CHANGE = _MINE.values({name: bindparam(name) for name in ("holder", "token", "beat", "at")})


def read(connection: Connection, name: str) -> Lease | None:
    """The lease; None where nobody ever took it."""
    row = connection.execute(_FOUND, {"of": name}).first()
    return None if row is None else Lease(**row._mapping)


def take(
    connection: Connection, name: str, holder: str, at: datetime, seen: Lease | None
) -> Lease | None:
    """Take the lease over, if it still is as it was ``seen``; else None.

    Waits for what is being written under it, and whoever writes under it later is told.
    """
    taken = Lease(
        name=name, holder=holder, token=1 if seen is None else seen.token + 1, beat=0, at=at
    )
    row = msgspec.structs.asdict(taken)
    if seen is None:
        made = insert_missing(connection, leases).returning(leases.c.token)
        return None if connection.execute(made, row).first() is None else taken
    found = connection.execute(_ALONE, {"of": name}).first()
    if found is None or Lease(**found._mapping) != seen:
        return None
    connection.execute(_CHANGE, row | {"of": name, "of_token": seen.token})
    return taken


def renew(connection: Connection, lease: Lease, at: datetime) -> Lease | None:
    """Tell that the holder is there, and has come to ``at``; None where it is no longer his.

    Waits for nothing that he writes meanwhile.
    """
    key = {"of": lease.name, "of_token": lease.token, "until": at}
    if connection.execute(_RENEW, key).rowcount == 0:
        return None
    return msgspec.structs.replace(lease, beat=lease.beat + 1, at=at)


def give_back(connection: Connection, lease: Lease) -> None:
    """Let anyone have it at once; nothing where it is somebody else's already."""
    free = msgspec.structs.replace(lease, holder=NOBODY, token=lease.token + 1)
    row = msgspec.structs.asdict(free)
    connection.execute(_CHANGE, row | {"of": lease.name, "of_token": lease.token})


def check(connection: Connection, lease: Lease) -> None:
    """Make sure that the rest of this transaction is the holder's; raises ``LeaseLost``.

    Nobody can take the lease over before the transaction has ended.
    """
    found = connection.execute(_SHARED, {"of": lease.name}).first()
    if found is None or found.token != lease.token:
        raise LeaseLost(
            f"somebody else took {lease.name} over while this one was away: nothing was written"
        )

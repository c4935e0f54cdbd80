"""Attempts of a job's other runs that may have been at work beside those of a run."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, text

from verifier.ledger.schema import attempts
from verifier.ledger.statements import chunks
from verifier.ledger.types import to_json
from verifier.runs.attempt import Attempt
from verifier.runs.declaration import Overlap
from verifier.runs.instant import to_microseconds
from verifier.runs.standing import Facts

BESIDE = 20
"""How many of the attempts that started last are looked at for one that ran beside."""

_LAST = f"""
    FROM attempts WHERE job = asked.job AND started_at <= asked.last
    ORDER BY started_at DESC LIMIT {BESIDE}
"""
_AT_WORK = """
    beside.ended_at IS NULL OR beside.ended_at > asked.first
    -- One that fell silent may have gone on after its end.
    OR beside.state IN ('lost', 'timed_out')
"""
_FOUND = "SELECT asked.run_id, beside.run_id AS other, beside.body"

# Of each run its job's last ones, found by their index: no way to say that is known to both.
_STATEMENTS = {
    "postgresql": f"""
        {_FOUND}
        FROM unnest(
            CAST(:run_ids AS text[]), CAST(:jobs AS text[]),
            CAST(:firsts AS bigint[]), CAST(:lasts AS bigint[])
        ) AS asked (run_id, job, first, last)
        CROSS JOIN LATERAL (SELECT * {_LAST}) AS beside WHERE {_AT_WORK}
    """,
    "sqlite": f"""
        WITH asked (run_id, job, first, last) AS (
            SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
                   json_extract(value, '$[2]'), json_extract(value, '$[3]')
            FROM json_each(:asked)
        )
        {_FOUND}
        FROM asked CROSS JOIN attempts AS beside
        WHERE beside.id IN (SELECT id {_LAST}) AND ({_AT_WORK})
    """,  # noqa: S608 - words of ours
}
_RIVALS = {
    dialect: text(statement).columns(body=attempts.c.body.type)
    for dialect, statement in _STATEMENTS.items()
}


def of_runs(connection: Connection, found: Iterable[Facts]) -> dict[str, list[Attempt]]:
    """By run, those that may have been at work while its own attempts were."""
    dialect = connection.dialect.name
    rivals: dict[str, list[Attempt]] = defaultdict(list)
    for piece in chunks(each for each in map(_asked, found) if each is not None):
        if dialect == "postgresql":
            names = ("run_ids", "jobs", "firsts", "lasts")
            given: dict[str, Any] = dict(
                zip(names, map(list, zip(*piece, strict=True)), strict=True)
            )
        else:
            given = {"asked": to_json(piece)}
        for row in connection.execute(_RIVALS[dialect], given):
            if row.other != row.run_id:
                rivals[row.run_id].append(row.body)
    return rivals


def _asked(facts: Facts) -> tuple[str, str, int, int] | None:
    """A run, its job, and when the first and the last of its attempts started.

    None where none did, and where anything may be at work beside them.
    """
    starts = [each.started for each in facts.attempts if each.started is not None]
    if not starts or facts.declaration.overlap is Overlap.ALLOW:
        return None
    key = facts.key
    return key.run_id, key.job, to_microseconds(min(starts)), to_microseconds(max(starts))

"""How long the checks of one run take, beside the SQL that a person would batch by hand.

    python benchmarks/checks.py [--rows N] [--rounds N] [--peers-python PATH]

One table of 997,500 rows of 40,000 tenants, 25 each: 100 tenants are absent, 100 lack five
rows, 100 have five rows twice; and four tables of a row a tenant. PostgreSQL is the server
that LANDED_TEST_POSTGRES_URL names, or one that is started here. Interleaved rounds of:

- checks: 50 checks of one run (row_count, freshness, exactly_once) through ``evaluate``
- floor: the same facts by hand, batched by table, duplicates by hashed distinct and
  confirmed exactly where there is a surplus
- tenants: the verdict of every tenant through ``survey``, in one pass over the table; its
  floor is that GROUP BY. Beside it the tenants are listed, which is a question to another
  table, and the keys of those are read that have more rows than distinct hashes

then, in processes of their own: ``landed verify`` of a run with one check, from start to
exit, and resident memory after all of that; and with a statement timeout of 300 ms, how
many of the 50 answer together, and how many alone. Prints medians and ratios with their
gates; exits with 1 where a gate is missed, or where an answer is not the one that was
planted.

With ``--peers-python``, an interpreter that has Soda Core 4 (soda-postgres) and Great
Expectations (with psycopg2) installed, each of the two is asked for the same 50 checks of
the same tables in a process of its own, and for one of them; ``--beside`` picks one.
Their figures have no gate; neither do what they answer.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
from ingest import postgres
from pydantic import TypeAdapter
from rich.progress import Progress
from sqlalchemy import create_engine, make_url

from verifier.checks.evaluate import evaluate
from verifier.checks.partitions import Partitions
from verifier.checks.question import Question
from verifier.checks.registry import Check
from verifier.checks.stores.registry import StoreConfig, Stores
from verifier.checks.stores.sql import SqlSession
from verifier.checks.survey import survey
from verifier.runs.evaluation import Result
from verifier.runs.interval import Interval

EACH = 25
SMALL = ("invoices", "payouts", "mails", "exports")
START = datetime(2026, 4, 2, tzinfo=UTC)
DAY = date(2026, 4, 2)
NOW = START + timedelta(days=1, hours=3)
NIGHT = Question(
    job="tenant-metrics",
    run="tenant-metrics/2026-04-03T00:00:00Z",
    due=START + timedelta(days=1),
    interval=Interval(start=START, end=START + timedelta(days=1)),
)
GATES = {
    "checks": 1.15,
    "statements": 13,
    "passes": 1,
    "tenants": 1.25,
    "start-up": 0.7,
    "memory": 120,
}

SCHEMA = """
CREATE SCHEMA {schema};
SET search_path = {schema};
CREATE TABLE tenants AS SELECT 'tenant-' || lpad(n::text, 5, '0') AS id, n
    FROM generate_series(1, {tenants}) AS n;
CREATE TABLE metrics AS SELECT date '2026-04-02' AS day, id AS tenant, slot,
        id || '/' || slot AS key, mod(n, 97) * 1.25 AS amount,
        timestamptz '2026-04-02 23:00Z' + slot * interval '1 minute' AS loaded_at
    FROM tenants, generate_series(1, {each}) AS slot, generate_series(1, 2) AS copy
    WHERE n > {defects} AND (n > 2 * {defects} OR slot > 5)
        AND (copy = 1 OR n > 2 * {defects} AND n <= 3 * {defects} AND slot <= 5);
ANALYZE tenants; ANALYZE metrics;
"""
SMALL_TABLE = """
CREATE TABLE {name} AS SELECT date '2026-04-02' AS day, id AS tenant, 1 AS slot, id AS key,
    n * 1.5 AS amount, timestamptz '2026-04-02 23:30Z' AS loaded_at FROM tenants;
ANALYZE {name};
"""


def declared() -> list[dict[str, object]]:
    """Thirty checks of the large table, five of each small one; a few have to find a defect."""
    checks: list[dict[str, object]] = []

    def add(kind: str, table: str, where: str, **fields: object) -> None:
        checks.append(
            {"type": kind, "name": f"{kind}-{len(checks)}", "store": "shop", "table": table}
            | {"where": where, **fields}
        )

    for slot in range(1, 19):
        add("row_count", "metrics", f"day = :day AND slot = {slot}", ge=1)
    for slot in range(1, 9):
        at = {"column": "loaded_at", "within": "4h"}
        add("freshness", "metrics", f"day = :day AND slot = {slot}", **at)
    for slots in ("slot > 5", "slot > 10", "slot BETWEEN 8 AND 20", "slot > 0"):
        once = {"key": ["tenant", "slot"], "within": "interval"}
        add("exactly_once", "metrics", f"day = :day AND {slots}", **once)
    for table in SMALL:
        add("row_count", table, "day = :day", ge=1)
        add("row_count", table, "day = :day AND amount > 100", ge=1)
        add("row_count", table, "day = :day AND amount < 0", le=0, allow_empty=True)
        add("freshness", table, "day = :day", column="loaded_at", within="4h")
        add("exactly_once", table, "day = :day", key=["key"], within="interval")
    return checks


CHECKS = [TypeAdapter(Check).validate_python(each) for each in declared()]
BY_TENANT = [
    TypeAdapter(Check).validate_python(
        {"store": "shop", "table": "metrics", "where": "day = :day", "partition": "tenant", **each}
    )
    for each in (
        {"type": "row_count", "name": "rows", "eq": EACH},
        {"type": "exactly_once", "name": "once", "key": ["tenant", "slot"], "within": "interval"},
    )
]
TENANTS = Partitions(name="tenant", store="shop", sql="SELECT id FROM tenants")
GROUPED = "SELECT {key}, count(*) FROM {table} WHERE {where} GROUP BY {key} HAVING count(*) > 1"


class Counted:
    """Counts the statements that checks ask."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        select = SqlSession.select

        def counting(session: SqlSession, sql: str, values: dict[str, object]) -> object:
            if "pg_catalog" not in sql:
                self.asked.append(sql)
            return select(session, sql, values)

        SqlSession.select = counting  # type: ignore[method-assign, assignment]

    def during(self, call: Callable[[], object]) -> list[str]:
        """The statements that ``call`` asks of tables."""
        self.asked.clear()
        call()
        return list(self.asked)


@contextmanager
def opened(url: str, **fields: object) -> Iterator[Stores]:
    config = {"type": "sql", "url": url, "statement_timeout": "120s", **fields}
    with Stores({"shop": TypeAdapter(StoreConfig).validate_python(config)}) as stores:
        yield stores


def evaluated(url: str, **fields: object) -> None:
    """All checks at once, each with the answer that was planted."""
    with opened(url, **fields) as stores:
        found = evaluate(CHECKS, stores, NIGHT, NOW)
    wrong = [each.name for each in found if each.result is not Result.HOLDS]
    if wrong != ["exactly_once-29"]:
        raise SystemExit(f"not the answers that were planted: {wrong}")


def surveyed(url: str, defects: int) -> None:
    with opened(url) as stores:
        found = survey(BY_TENANT, TENANTS, stores, NIGHT, NOW)
    if len(found.exceptions) != 3 * defects:
        raise SystemExit(f"{len(found.exceptions)} tenants are wrong, planted: {3 * defects}")


def by_hand(connection: psycopg.Connection) -> None:
    """The facts of all checks: a statement a table, one a check that looks for duplicates."""
    for table in ("metrics", *SMALL):
        counted = [
            ("count(*)" if each.type == "row_count" else "max(loaded_at)")
            + f" FILTER (WHERE {each.where})".replace(":day", "%(day)s")
            for each in CHECKS
            if each.table == table and each.type != "exactly_once"
        ]
        connection.execute(f"SELECT {', '.join(counted)} FROM {table}", {"day": DAY}).fetchall()
    for each in CHECKS:
        if each.type != "exactly_once":
            continue
        named = {"key": ", ".join(each.key), "table": each.table}
        named["where"] = each.where.replace(":day", "%(day)s")
        hashed = "hashtextextended(key, 0)"
        surplus = f"SELECT count(*) - count(DISTINCT {hashed}) FROM {{table}} WHERE {{where}}"
        if connection.execute(surplus.format(**named), {"day": DAY}).fetchone() != (0,):
            connection.execute(GROUPED.format(**named), {"day": DAY}).fetchall()


def tenants_by_hand(connection: psycopg.Connection, defects: int) -> None:
    """One pass: rows and distinct keys of each tenant."""
    hashed = "hashtextextended(key, 0)"
    found = connection.execute(
        f"SELECT tenant, count(*), count(DISTINCT {hashed}) FROM metrics WHERE day = %(day)s "
        "GROUP BY tenant",
        {"day": DAY},
    ).fetchall()
    listed = {name for (name,) in connection.execute("SELECT id FROM tenants").fetchall()}
    right = {name for name, rows, keys in found if rows == EACH == keys}
    if len(listed - right) != 3 * defects:
        raise SystemExit("the floor is wrong")


def timed(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def child(*command: str, **environ: str) -> str:
    """What a process of its own prints; raises where it fails."""
    told = subprocess.run(
        [sys.executable, *command], env={**os.environ, **environ}, capture_output=True, text=True
    )
    if told.returncode:
        raise SystemExit(f"{' '.join(command)}: {told.stdout}{told.stderr}")
    return told.stdout


def verifying(url: str, folder: Path) -> float:
    """How long ``landed verify`` takes with one check: the middle of five, after a first.

    The first makes the ledger, and compiles what pip compiles where it installs.
    """
    check = next(each for each in declared() if each["table"] == SMALL[-1])
    job = {
        "statement": "Every tenant has its metrics.",
        "schedule": {"cron": "0 0 * * *"},
        "covers": "previous-day",
        "class": "one-result",
        "effects": "replace",
        "since": "2026-04-01",
        "checks": [check],
    }
    document = {
        "version": 1,
        "ledger": f"sqlite:///{folder}/landed.db",
        "stores": {"shop": {"type": "sql", "url": url}},
        "jobs": {NIGHT.job: job},
    }
    (folder / "landed.yaml").write_text(json.dumps(document))
    command = ["-m", "verifier.cli.entry", "verify", NIGHT.job, "--due", "2026-04-03T00:00:00Z"]
    command += ["--config", f"{folder}/landed.yaml"]
    environ = {
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": f"{folder}/compiled",
        "LANDED_SPOOL": f"{folder}/spool",
    }
    child(*command, **environ)
    return statistics.median(timed(lambda: child(*command, **environ)) for _ in range(5))


PEERS = {"soda": "ask_soda.py", "great-expectations": "ask_great_expectations.py"}


def beside(peer: str, python: str, server: str, schema: str) -> str:
    """What a peer makes of the same checks, in a line."""
    url = make_url(server)
    place = {
        "host": url.host or url.query.get("host", "localhost"),
        "port": url.port or 5432,
        "user": url.username or "postgres",
        "password": url.password or "",
        "database": url.database,
    }
    asked = {
        "connection": place,
        "database": url.database,
        "schema": schema,
        "day": DAY.isoformat(),
        "now": NOW.isoformat(),
    }
    script = Path(__file__).parent / "peers" / PEERS[peer]

    def ask(checks: list[dict[str, object]]) -> dict:
        told = subprocess.run(
            [python, str(script)],
            input=json.dumps({**asked, "checks": checks}),
            capture_output=True,
            text=True,
        )
        if told.returncode:
            raise SystemExit(f"{peer}: {told.stdout[-500:]}{told.stderr[-2000:]}")
        return json.loads(told.stdout.rpartition("figures: ")[2])

    found = ask(declared())
    one = statistics.median(timed(lambda: ask(declared()[-1:])) for _ in range(3))
    return (
        f"{peer}: {found['seconds']:.2f} s, {found['statements']} statements, "
        f"{found['memory']:.0f} MB; start-up with one check {one:.2f} s; "
        f"violated: {', '.join(found['failed']) or 'none'}; "
        f"without an answer: {', '.join(found['unanswered']) or 'none'}"
    )


def answering(url: str, checks: list, **fields: object) -> int:
    with opened(url, **fields) as stores:
        found = evaluate(checks, stores, NIGHT, NOW)
    return sum(each.result is not Result.UNKNOWN for each in found)


def measure(server: str, rows: int, rounds: int, peers: dict[str, str]) -> bool:
    defects = max(1, rows // 9975)
    tenants = (rows + defects * EACH) // EACH
    schema = f"checks_{time.time_ns()}"
    options = {"options": f"-c search_path={schema} -c jit=off"}
    url = make_url(server).update_query_dict(options).render_as_string(hide_password=False)
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    counted = Counted()
    taken: dict[str, list[float]] = {"checks": [], "floor": [], "tenants": [], "one pass": []}
    with engine.connect() as maker, Progress() as progress:
        steps = progress.add_task("rounds", total=4 * rounds + 5)
        maker.exec_driver_sql(
            SCHEMA.format(schema=schema, tenants=tenants, defects=defects, each=EACH)
        )
        for name in SMALL:
            maker.exec_driver_sql(SMALL_TABLE.format(name=name))
        here = maker.connection.driver_connection
        here.execute("SET jit = off")
        calls = {
            "checks": lambda: evaluated(url),
            "floor": lambda: by_hand(here),
            "tenants": lambda: surveyed(url, defects),
            "one pass": lambda: tenants_by_hand(here, defects),
        }
        try:
            for _ in range(rounds):
                for name, call in calls.items():
                    taken[name].append(timed(call))
                    progress.advance(steps)
            statements = len(counted.during(calls["checks"]))
            by_tenant = counted.during(calls["tenants"])
            progress.advance(steps)
            with tempfile.TemporaryDirectory() as folder:
                startup = verifying(url, Path(folder))
            progress.advance(steps)
            memory = float(child(__file__, "--url", url, "--child", str(defects)))
            progress.advance(steps)
            together = answering(url, CHECKS, statement_timeout="300ms")
            progress.advance(steps)
            alone = sum(answering(url, [each], statement_timeout="300ms") for each in CHECKS)
            progress.advance(steps)
            told = [beside(peer, python, server, schema) for peer, python in peers.items()]
        finally:
            maker.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    engine.dispose()
    middle = {name: statistics.median(each) for name, each in taken.items()}
    for name, seconds in middle.items():
        print(f"{name}: {seconds:.2f} s ({min(taken[name]):.2f} to {max(taken[name]):.2f})")
    passes = [sql for sql in by_tenant if "FROM metrics" in sql and "IN (:partition_" not in sql]
    print(f"tenants: {len(by_tenant)} statements, with their list and the keys that are copied")
    print(f"timeout of 300 ms: {together} of {len(CHECKS)} answer together, {alone} alone")
    for line in told:
        print(line)
    figures = {
        "checks": middle["checks"] / middle["floor"],
        "statements": statements,
        "passes": len(passes),
        "tenants": middle["tenants"] / middle["one pass"],
        "start-up": startup,
        "memory": memory,
    }
    units = {"checks": "x the floor", "tenants": "x one pass", "start-up": "s", "memory": "MB"}
    for name, value in figures.items():
        kept = "ok" if value <= GATES[name] else "MISSED"
        print(f"{name}: {value:.2f} {units.get(name, '')} (at most {GATES[name]}) {kept}")
    return all(value <= GATES[name] for name, value in figures.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=997_500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers-python", metavar="PATH", help="an interpreter that has peers")
    parser.add_argument("--beside", choices=PEERS, nargs="+", default=list(PEERS), metavar="PEER")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        evaluated(asked.url)
        surveyed(asked.url, asked.child)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return 0
    with postgres() as server:
        peers = dict.fromkeys(asked.beside, asked.peers_python) if asked.peers_python else {}
        return 0 if measure(server, asked.rows, asked.rounds, peers) else 1


if __name__ == "__main__":
    sys.exit(main())

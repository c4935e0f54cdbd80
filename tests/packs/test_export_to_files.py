"""The pack of the export: files as they should be, and each way they break."""

import hashlib
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

SHOP = """
    create table agreed_files (name);
    insert into agreed_files values ('orders.csv'), ('refunds.csv');
    create table orders (id, day);
    insert into orders values
        (1, '2026-04-02'), (2, '2026-04-02'), (3, '2026-04-02'), (9, '2026-04-01');
    create table refunds (id, day);
"""
ORDERS = "id,amount\n1,10\n2,20\n3,30\n"
REFUNDS = "id,amount\n"


class Exports:
    """The folder of the day, as the job leaves it."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench
        self.root = bench.folder / "exports"
        self.day = self.root / "2026-04-02"
        self.day.mkdir(parents=True)
        (self.root / "sums").mkdir()
        bench.plant({"shop": SHOP})
        self.write("orders", ORDERS)
        self.write("refunds", REFUNDS)

    def write(self, name: str, text: str, summed: str | None = None) -> None:
        """A file and its sum, which is that of ``summed`` where it differs."""
        self.put(f"{name}.csv", text)
        digest = hashlib.sha256((summed or text).encode()).hexdigest()
        (self.root / "sums" / f"2026-04-02-{name}.sha256").write_text(f"{digest}  {name}.csv\n")

    def put(self, name: str, text: str, *, minutes_after_start: int = 1) -> None:
        """A file, as of so long after the run's start."""
        written = self.bench.started("partner-export") + timedelta(minutes=minutes_after_start)
        (self.day / name).write_text(text)
        os.utime(self.day / name, (written.timestamp(), written.timestamp()))

    def sql(self, script: str) -> None:
        self.bench.plant({"shop": script})

    def remove(self, path: Path) -> None:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def nothing(it: Exports) -> None:
    it.remove(it.day)


def one_missing(it: Exports) -> None:
    it.remove(it.day / "refunds.csv")


def left_from_before(it: Exports) -> None:
    it.put("orders.csv", ORDERS, minutes_after_start=-60)


def copied(it: Exports) -> None:
    it.put("orders-2.csv", ORDERS)


def missing_and_copied(it: Exports) -> None:
    one_missing(it)
    copied(it)


def not_agreed_on(it: Exports) -> None:
    it.put("salaries.csv", "name,amount\n")


def torn(it: Exports) -> None:
    it.write("orders", ORDERS[:-5], summed=ORDERS)


def short_when_summed(it: Exports) -> None:
    it.write("orders", "id,amount\n1,10\n2,20\n")


def changed_since(it: Exports) -> None:
    it.put("orders.csv", ORDERS.replace("30", "31"))


def refunds_left_out(it: Exports) -> None:
    it.sql("insert into refunds values (1, '2026-04-02')")


def sum_missing(it: Exports) -> None:
    it.remove(it.root / "sums" / "2026-04-02-orders.sha256")


def nothing_agreed_on(it: Exports) -> None:
    it.sql("delete from agreed_files")


def folder_away(it: Exports) -> None:
    it.remove(it.root)


def values_wrong(it: Exports) -> None:
    it.write("orders", ORDERS.replace("30", "31"))


CASES: list[tuple[str, Callable[[Exports], None], str, dict[str, str]]] = [
    ("files as they should be", lambda it: None, "verified", {}),
    (
        "no file was written",
        nothing,
        "absent",
        {"every-file": "violated none missing=2", "orders": "violated", "refunds": "violated"},
    ),
    (
        "a file is missing",
        one_missing,
        "partial",
        {"every-file": "violated partial missing=1", "refunds": "violated"},
    ),
    (
        "a file is left from before the run",
        left_from_before,
        "partial",
        {"every-file": "violated partial missing=1"},
    ),
    (
        "a file is there under two names",
        copied,
        "duplicated",
        {"every-file": "violated duplicated surplus=1"},
    ),
    (
        "one is missing and another is there under two names",
        missing_and_copied,
        "duplicated",
        {"every-file": "violated duplicated missing=1 surplus=1", "refunds": "violated"},
    ),
    (
        "a file is there that nobody agreed on",
        not_agreed_on,
        "wrong",
        {"every-file": "violated complete unexpected=1"},
    ),
    ("a file is torn", torn, "wrong", {"orders": "violated"}),
    (
        "a row is missing, and the sum is of that file",
        short_when_summed,
        "wrong",
        {"orders": "violated"},
    ),
    ("a value was changed since", changed_since, "wrong", {"orders": "violated"}),
    ("the refunds were left out", refunds_left_out, "wrong", {"refunds": "violated"}),
    ("there is no sum", sum_missing, "unproven", {"orders": "unknown no_such_file"}),
    (
        "nobody knows which files are due",
        nothing_agreed_on,
        "unproven",
        {"every-file": "unknown expected_empty"},
    ),
    (
        "the folder is not mounted",
        folder_away,
        "unproven",
        {
            "every-file": "unknown unreachable",
            "orders": "unknown unreachable",
            "refunds": "unknown unreachable",
        },
    ),
    ("a value is wrong from the start, which no check can see", values_wrong, "verified", {}),
]


@pytest.mark.parametrize(
    ("planted", "verdict", "told"), [each[1:] for each in CASES], ids=[each[0] for each in CASES]
)
def test_an_export_comes_out(
    bench: Any, planted: Callable[[Exports], None], verdict: str, told: dict[str, str]
) -> None:
    it = Exports(bench("export-to-files"))
    planted(it)
    assert it.bench.ask("partner-export") == (verdict, told)

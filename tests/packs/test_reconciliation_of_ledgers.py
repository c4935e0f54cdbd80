"""The pack of two ledgers: books that agree, and each way they do not."""

from typing import Any

import pytest

GOOD = {
    "subledger": """
        create table closed_days (day);
        insert into closed_days values ('2026-04-02');
        create table entries (reference, account, cents, day);
        insert into entries values
            ('E0', 'sales', 700, '2026-04-01'), ('E1', 'sales', 100, '2026-04-02'),
            ('E2', 'sales', 250, '2026-04-02'), ('E3', 'fees', -30, '2026-04-02');
    """,
    "general": """
        create table postings (source, reference, account, cents, day);
        insert into postings values
            ('subledger', 'E0', 'sales', 700, '2026-04-01'),
            ('subledger', 'E1', 'sales', 100, '2026-04-02'),
            ('subledger', 'E2', 'sales', 250, '2026-04-02'),
            ('subledger', 'E3', 'fees', -30, '2026-04-02'),
            ('payroll', 'E1', 'wages', 5, '2026-04-02');
    """,
}
OURS = "source = 'subledger' and day = '2026-04-02'"

CASES: list[tuple[str, dict[str, str], str, dict[str, str]]] = [
    ("books that agree", {}, "verified", {}),
    (
        "nothing is posted",
        {"general": f"delete from postings where {OURS}"},
        "absent",
        {"every-entry": "violated none missing=3", "same-balance": "violated"},
    ),
    (
        "an entry is not posted",
        {"general": f"delete from postings where {OURS} and reference = 'E2'"},
        "partial",
        {"every-entry": "violated partial missing=1", "same-balance": "violated"},
    ),
    (
        "an entry is posted twice",
        {
            "general": f"insert into postings select * from postings "
            f"where {OURS} and reference = 'E2'"
        },
        "duplicated",
        {
            "every-entry": "violated duplicated surplus=1",
            "posted-once": "violated duplicated surplus=1",
            "same-balance": "violated",
        },
    ),
    (
        "an entry is posted once more on a later day",
        {"general": "insert into postings values ('subledger', 'E2', 'sales', 250, '2026-04-03')"},
        "duplicated",
        {"posted-once": "violated duplicated surplus=1"},
    ),
    (
        "one is missing and another is posted twice",
        {
            "general": f"""
                delete from postings where {OURS} and reference = 'E1';
                insert into postings select * from postings where {OURS} and reference = 'E2';
            """
        },
        "duplicated",
        {
            "every-entry": "violated duplicated missing=1 surplus=1",
            "posted-once": "violated duplicated surplus=1",
            "same-balance": "violated",
        },
    ),
    (
        "something is posted that the sub-ledger does not know",
        {"general": "insert into postings values ('subledger', 'E9', 'sales', 0, '2026-04-02')"},
        "wrong",
        {"every-entry": "violated complete unexpected=1"},
    ),
    (
        "two amounts are swapped, so that the balance is right",
        {
            "general": f"""
                update postings set cents = 250 where {OURS} and reference = 'E1';
                update postings set cents = 100 where {OURS} and reference = 'E2';
            """
        },
        "partial",
        {"every-entry": "violated partial missing=2 unexpected=2"},
    ),
    (
        "an entry is posted to another account",
        {"general": f"update postings set account = 'misc' where {OURS} and reference = 'E3'"},
        "partial",
        {"every-entry": "violated partial missing=1 unexpected=1"},
    ),
    (
        "an entry of an earlier day was changed on one side",
        {"subledger": "update entries set cents = 701 where reference = 'E0'"},
        "wrong",
        {"same-balance": "violated"},
    ),
    (
        "the sub-ledger has not closed its day",
        {"subledger": "delete from closed_days"},
        "unproven",
        {"every-entry": "unknown expected_not_ready"},
    ),
    (
        "the general ledger cannot be read",
        {"general": "drop table postings"},
        "unproven",
        {
            "every-entry": "unknown no_such_table",
            "posted-once": "unknown no_such_table",
            "same-balance": "unknown no_such_table",
        },
    ),
    (
        "both sides are wrong in the same way, which no check can see",
        {
            "subledger": "update entries set cents = 999 where reference = 'E1'",
            "general": f"update postings set cents = 999 where {OURS} and reference = 'E1'",
        },
        "verified",
        {},
    ),
]


@pytest.mark.parametrize(
    ("planted", "verdict", "told"), [each[1:] for each in CASES], ids=[each[0] for each in CASES]
)
def test_a_day_comes_out(
    bench: Any, planted: dict[str, str], verdict: str, told: dict[str, str]
) -> None:
    it = bench("reconciliation-of-ledgers")
    it.plant(GOOD)
    it.plant(planted)
    assert it.ask("post-entries") == (verdict, told)

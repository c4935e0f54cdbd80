"""The pack of settlement and payout: money as it should move, and each way it does not."""

from typing import Any

import pytest

Row = tuple[str, str, dict[str, str], str, dict[str, str]]

GOOD = {
    "payments": """
        create table closed_days (day);
        insert into closed_days values ('2026-04-02');
        create table captures (day, merchant, cents);
        insert into captures values
            ('2026-04-02', 'anna', 1000), ('2026-04-02', 'anna', 500),
            ('2026-04-02', 'ben', 2000), ('2026-04-01', 'carl', 70);
    """,
    "settlement": """
        create table settlements (day, merchant, paid_cents, fee_cents);
        insert into settlements values
            ('2026-04-01', 'carl', 69, 1),
            ('2026-04-02', 'anna', 1485, 15), ('2026-04-02', 'ben', 1980, 20);
        create table closed_days (day);
        insert into closed_days values ('2026-04-02');
        create table payouts (reference, due_day, cents);
        insert into payouts values
            ('P1', '2026-04-02', 300), ('P2', '2026-04-02', 400), ('P0', '2026-04-01', 50);
    """,
    "bank": """
        create table orders (reference, due_day, cents, state);
        insert into orders values
            ('P0', '2026-04-01', 50, 'booked'),
            ('P1', '2026-04-02', 300, 'booked'), ('P2', '2026-04-02', 400, 'booked');
    """,
}
DAY = "day = '2026-04-02'"
DUE = "due_day = '2026-04-02'"

CASES: list[Row] = [
    ("settled as it should be", "settlement", {}, "verified", {}),
    (
        "nobody is settled",
        "settlement",
        {"settlement": f"delete from settlements where {DAY}"},
        "absent",
        {
            "every-merchant": "violated none missing=2",
            "captured-is-settled": "unknown null_result",
        },
    ),
    (
        "a merchant is left out",
        "settlement",
        {"settlement": f"delete from settlements where {DAY} and merchant = 'ben'"},
        "partial",
        {"every-merchant": "violated partial missing=1", "captured-is-settled": "violated"},
    ),
    (
        "a merchant is settled twice",
        "settlement",
        {
            "settlement": f"insert into settlements select * from settlements "
            f"where {DAY} and merchant = 'ben'"
        },
        "duplicated",
        {"every-merchant": "violated duplicated surplus=1", "captured-is-settled": "violated"},
    ),
    (
        "a merchant without a payment is settled",
        "settlement",
        {"settlement": "insert into settlements values ('2026-04-02', 'carl', 0, 0)"},
        "wrong",
        {"every-merchant": "violated complete unexpected=1"},
    ),
    (
        "a fee is lost",
        "settlement",
        {"settlement": f"update settlements set fee_cents = 0 where {DAY} and merchant = 'ben'"},
        "wrong",
        {"captured-is-settled": "violated"},
    ),
    (
        "payments are still coming in",
        "settlement",
        {"payments": "delete from closed_days"},
        "unproven",
        {"every-merchant": "unknown expected_not_ready"},
    ),
    (
        "one merchant has another's money, which no check can see",
        "settlement",
        {
            "settlement": f"""
                update settlements set paid_cents = 1486 where {DAY} and merchant = 'anna';
                update settlements set paid_cents = 1979 where {DAY} and merchant = 'ben';
            """
        },
        "verified",
        {},
    ),
    ("paid as it should be", "payout", {}, "verified", {}),
    (
        "nothing was due, and nothing is paid",
        "payout",
        {
            "settlement": f"delete from payouts where {DUE}",
            "bank": f"delete from orders where {DUE}",
        },
        "verified",
        {},
    ),
    (
        "nothing is paid",
        "payout",
        {"bank": f"delete from orders where {DUE}"},
        "absent",
        {"paid-once": "violated none missing=2", "paid-amount": "violated"},
    ),
    (
        "the bank refused one",
        "payout",
        {"bank": "update orders set state = 'refused' where reference = 'P2'"},
        "partial",
        {"paid-once": "violated partial missing=1", "paid-amount": "violated"},
    ),
    (
        "one is paid twice on its day",
        "payout",
        {"bank": "insert into orders select * from orders where reference = 'P2'"},
        "duplicated",
        {"paid-once": "violated duplicated surplus=1", "paid-amount": "violated"},
    ),
    (
        "one was paid before, on another day",
        "payout",
        {"bank": "insert into orders values ('P2', '2026-03-02', 400, 'booked')"},
        "duplicated",
        {"paid-once": "violated duplicated surplus=1"},
    ),
    (
        "one is missing and another is paid twice",
        "payout",
        {
            "bank": """
                delete from orders where reference = 'P1';
                insert into orders select * from orders where reference = 'P2';
            """
        },
        "duplicated",
        {"paid-once": "violated duplicated missing=1 surplus=1", "paid-amount": "violated"},
    ),
    (
        "one is paid that was not due",
        "payout",
        {"bank": "insert into orders values ('P9', '2026-04-02', 1, 'booked')"},
        "wrong",
        {"paid-once": "violated complete unexpected=1", "paid-amount": "violated"},
    ),
    (
        "an amount is wrong",
        "payout",
        {"bank": "update orders set cents = 4000 where reference = 'P2'"},
        "wrong",
        {"paid-amount": "violated"},
    ),
    (
        "the bank says neither yes nor no",
        "payout",
        {"bank": "update orders set state = 'sent' where reference = 'P2'"},
        "unproven",
        {"paid-once": "unknown in_doubt"},
    ),
    (
        "the payouts of the day are not all known",
        "payout",
        {"settlement": "delete from closed_days"},
        "unproven",
        {"paid-once": "unknown expected_not_ready"},
    ),
    (
        "the bank's database is away",
        "payout",
        {"bank": "drop table orders"},
        "unproven",
        {"paid-once": "unknown no_such_table", "paid-amount": "unknown no_such_table"},
    ),
    (
        "two amounts are swapped, which no check can see",
        "payout",
        {
            "bank": """
                update orders set cents = 400 where reference = 'P1';
                update orders set cents = 300 where reference = 'P2';
            """
        },
        "verified",
        {},
    ),
]


@pytest.mark.parametrize(
    ("job", "planted", "verdict", "told"),
    [each[1:] for each in CASES],
    ids=[each[0] for each in CASES],
)
def test_a_day_comes_out(
    bench: Any, job: str, planted: dict[str, str], verdict: str, told: dict[str, str]
) -> None:
    it = bench("settlement-and-payout")
    it.plant(GOOD)
    it.plant(planted)
    assert it.ask(job) == (verdict, told)

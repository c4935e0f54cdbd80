"""The pack of the daily aggregate: a day as it should be, and each way it breaks."""

from typing import Any

import pytest

GOOD = {
    "shop": """
        create table regions (code, active);
        insert into regions values ('DE', 1), ('FR', 1), ('IT', 1), ('XX', 0);
        create table closed_days (day);
        insert into closed_days values ('2026-04-02');
        create table orders (day, region, amount);
        insert into orders values
            ('2026-04-02', 'DE', 10), ('2026-04-02', 'DE', 5), ('2026-04-02', 'FR', 20),
            ('2026-04-02', 'IT', 30), ('2026-04-01', 'IT', 99);
    """,
    "warehouse": """
        create table daily_revenue (day, region, amount);
        insert into daily_revenue values
            ('2026-04-01', 'IT', 99),
            ('2026-04-02', 'DE', 15), ('2026-04-02', 'FR', 20), ('2026-04-02', 'IT', 30);
    """,
}
TODAY = "day = '2026-04-02'"

CASES: list[tuple[str, dict[str, str], str, dict[str, str]]] = [
    ("a day as it should be", {}, "verified", {}),
    (
        "nothing was written",
        {"warehouse": f"delete from daily_revenue where {TODAY}"},
        "absent",
        {"every-region": "violated none missing=3", "same-total": "unknown null_result"},
    ),
    (
        "a region is missing",
        {"warehouse": f"delete from daily_revenue where {TODAY} and region = 'DE'"},
        "partial",
        {"every-region": "violated partial missing=1", "same-total": "violated"},
    ),
    (
        "the day was loaded twice",
        {"warehouse": f"insert into daily_revenue select * from daily_revenue where {TODAY}"},
        "duplicated",
        {"every-region": "violated duplicated surplus=3", "same-total": "violated"},
    ),
    (
        "one region is missing and another is there twice, with the right total",
        {
            "warehouse": f"update daily_revenue set region = 'FR', amount = 15 "
            f"where {TODAY} and region = 'DE'"
        },
        "duplicated",
        {"every-region": "violated duplicated missing=1 surplus=1"},
    ),
    (
        "a region that is not active has a row",
        {"warehouse": "insert into daily_revenue values ('2026-04-02', 'XX', 0)"},
        "wrong",
        {"every-region": "violated complete unexpected=1"},
    ),
    (
        "an amount is wrong",
        {"warehouse": f"update daily_revenue set amount = 16 where {TODAY} and region = 'DE'"},
        "wrong",
        {"same-total": "violated"},
    ),
    (
        "an amount is one that cannot be, with the right total",
        {
            "warehouse": f"""
                update daily_revenue set amount = -5 where {TODAY} and region = 'DE';
                update daily_revenue set amount = 40 where {TODAY} and region = 'FR';
            """
        },
        "wrong",
        {"possible-amounts": "violated"},
    ),
    (
        "the source has not closed its day",
        {"shop": "delete from closed_days"},
        "unproven",
        {"every-region": "unknown expected_not_ready"},
    ),
    (
        "the list of regions is half loaded",
        {"shop": "delete from regions where code <> 'DE'"},
        "unproven",
        {"every-region": "unknown expected_below_min"},
    ),
    (
        "the table is gone",
        {"warehouse": "drop table daily_revenue"},
        "unproven",
        {
            "every-region": "unknown no_such_table",
            "same-total": "unknown no_such_table",
            "possible-amounts": "unknown no_such_table",
        },
    ),
    (
        "money is in the wrong region, which no check can see",
        {
            "warehouse": f"""
                update daily_revenue set amount = 14 where {TODAY} and region = 'DE';
                update daily_revenue set amount = 21 where {TODAY} and region = 'FR';
            """
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
    it = bench("daily-aggregate")
    it.plant(GOOD)
    it.plant(planted)
    assert it.ask("daily-revenue") == (verdict, told)

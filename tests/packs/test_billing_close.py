"""The pack of the billing close: tenants billed as they should be, and each way they are not."""

from typing import Any

import pytest

GOOD = {
    "metering": """
        create table contracts (tenant, plan, month);
        insert into contracts values
            ('acme', 'large', '2026-03'), ('bolt', 'small', '2026-03'),
            ('cord', 'small', '2026-03'), ('dust', 'small', '2026-02');
        create table closed_months (month);
        insert into closed_months values ('2026-03');
        create table usage (tenant, item, quantity, month);
        insert into usage values
            ('acme', 'calls', 100, '2026-03'), ('acme', 'storage', 20, '2026-03'),
            ('bolt', 'calls', 7, '2026-03'), ('acme', 'calls', 90, '2026-02');
    """,
    "billing": """
        create table invoices (number, tenant, month);
        insert into invoices values
            (1, 'acme', '2026-02'), (2, 'acme', '2026-03'), (3, 'bolt', '2026-03'),
            (4, 'cord', '2026-03');
        create table invoice_lines (tenant, item, quantity, month);
        insert into invoice_lines values
            ('acme', 'calls', 90, '2026-02'),
            ('acme', 'base-fee', 1, '2026-03'), ('acme', 'calls', 100, '2026-03'),
            ('acme', 'storage', 20, '2026-03'),
            ('bolt', 'base-fee', 1, '2026-03'), ('bolt', 'calls', 7, '2026-03'),
            ('cord', 'base-fee', 1, '2026-03');
    """,
}
MARCH = "month = '2026-03'"
NOBODY: dict[str, dict[str, str]] = {}

CASES: list[tuple[str, dict[str, str], dict[str, str], dict[str, dict[str, str]]]] = [
    ("a month as it should be", {}, {}, NOBODY),
    (
        "nobody is billed",
        {"billing": "delete from invoices; delete from invoice_lines"},
        {"every-item": "violated none missing=6", "metered-is-billed": "unknown null_result"},
        {
            "acme": {"every-item": "violated none missing=3"},
            "bolt": {"every-item": "violated none missing=2"},
            "cord": {"every-item": "violated none missing=1"},
        },
    ),
    (
        "one tenant is not billed",
        {
            "billing": "delete from invoices where tenant = 'cord'; "
            "delete from invoice_lines where tenant = 'cord'"
        },
        {"every-item": "violated partial missing=1"},
        {"cord": {"every-item": "violated none missing=1"}},
    ),
    (
        "an item of one tenant is not billed",
        {"billing": f"delete from invoice_lines where {MARCH} and item = 'storage'"},
        {"every-item": "violated partial missing=1", "metered-is-billed": "violated"},
        {"acme": {"every-item": "violated partial missing=1"}},
    ),
    (
        "one tenant is billed twice",
        {
            "billing": f"""
                insert into invoices values (5, 'bolt', '2026-03');
                insert into invoice_lines select * from invoice_lines
                where {MARCH} and tenant = 'bolt';
            """
        },
        {
            "every-item": "violated duplicated surplus=2",
            "one-invoice": "violated duplicated surplus=1",
            "metered-is-billed": "violated",
        },
        {
            "bolt": {
                "every-item": "violated duplicated surplus=2",
                "one-invoice": "violated duplicated surplus=1",
            }
        },
    ),
    (
        "one tenant has a second invoice without a line",
        {"billing": "insert into invoices values (5, 'bolt', '2026-03')"},
        {"one-invoice": "violated duplicated surplus=1"},
        {"bolt": {"one-invoice": "violated duplicated surplus=1"}},
    ),
    (
        "one item of a tenant is missing and another is billed twice",
        {
            "billing": f"""
                delete from invoice_lines where {MARCH} and item = 'storage';
                insert into invoice_lines values ('acme', 'base-fee', 1, '2026-03');
            """
        },
        {
            "every-item": "violated duplicated missing=1 surplus=1",
            "metered-is-billed": "violated",
        },
        {"acme": {"every-item": "violated duplicated missing=1 surplus=1"}},
    ),
    (
        "each tenant is wrong in its own way",
        {
            "billing": f"""
                delete from invoice_lines where {MARCH} and item = 'storage';
                insert into invoice_lines values ('bolt', 'base-fee', 1, '2026-03');
                delete from invoice_lines where tenant = 'cord';
            """
        },
        {
            "every-item": "violated duplicated missing=2 surplus=1",
            "metered-is-billed": "violated",
        },
        {
            "bolt": {"every-item": "violated duplicated surplus=1"},
            "acme": {"every-item": "violated partial missing=1"},
            "cord": {"every-item": "violated none missing=1"},
        },
    ),
    (
        "an item is billed that nobody metered",
        {"billing": "insert into invoice_lines values ('cord', 'calls', 0, '2026-03')"},
        {"every-item": "violated complete unexpected=1"},
        {"cord": {"every-item": "violated complete unexpected=1"}},
    ),
    (
        "somebody is billed whose contract has ended",
        {"billing": "insert into invoice_lines values ('dust', 'base-fee', 1, '2026-03')"},
        {"every-item": "violated complete unexpected=1"},
        NOBODY,
    ),
    (
        "a quantity is wrong",
        {"billing": f"update invoice_lines set quantity = 8 where {MARCH} and tenant = 'bolt'"},
        {"metered-is-billed": "violated"},
        NOBODY,
    ),
    (
        "two quantities are swapped, which no check can see",
        {
            "billing": f"""
                update invoice_lines set quantity = 20 where {MARCH} and item = 'calls'
                    and tenant = 'acme';
                update invoice_lines set quantity = 100 where {MARCH} and item = 'storage';
            """
        },
        {},
        NOBODY,
    ),
    (
        "metering has not closed its month",
        {"metering": "delete from closed_months"},
        {"every-item": "unknown expected_not_ready"},
        NOBODY,
    ),
    (
        "nobody knows who the tenants are",
        {"metering": f"delete from contracts where {MARCH}"},
        {"every-item": "unknown expected_empty", "one-invoice": "unknown expected_empty"},
        NOBODY,
    ),
]


@pytest.mark.parametrize(
    ("planted", "of_all", "of_tenants"),
    [each[1:] for each in CASES],
    ids=[each[0] for each in CASES],
)
def test_a_month_comes_out(
    bench: Any,
    in_words: Any,
    planted: dict[str, str],
    of_all: dict[str, str],
    of_tenants: dict[str, dict[str, str]],
) -> None:
    it = bench("billing-close")
    it.plant(GOOD)
    it.plant(planted)
    found = it.survey("billing-close")
    assert in_words(found.whole) == of_all
    assert {name: in_words(found.of(name)) for name in found.exceptions} == of_tenants


def test_the_gravest_tenant_comes_first_and_each_is_counted_by_its_plan(bench: Any) -> None:
    it = bench("billing-close")
    it.plant(GOOD)
    it.plant(CASES[7][1])
    found = it.survey("billing-close")
    assert list(found.exceptions) == ["bolt", "acme", "cord"]
    assert found.count is not None
    assert (found.count.total, found.count.holding) == (3, 0)
    it.plant({"billing": "insert into invoice_lines values ('cord', 'base-fee', 1, '2026-03')"})
    count = it.survey("billing-close").count
    assert count is not None
    assert count.by_class == {"large": (0, 1), "small": (1, 2)}

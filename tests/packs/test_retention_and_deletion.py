"""The pack of retention and deletion: days as they should be, and each way they break."""

from typing import Any

import pytest

GOOD = {
    "app": """
        create table events (id integer primary key, day);
        insert into events (day) values
            ('2026-01-02'), ('2026-01-02'), ('2026-04-02'), ('2026-04-03');
        create table daily_counts (day, events);
        insert into daily_counts values
            ('2026-01-01', 5), ('2026-01-02', 2), ('2026-04-02', 1), ('2026-04-03', 1);
        create table people (id);
        insert into people values ('ann'), ('dan');
        create table addresses (person);
        insert into addresses values ('ann');
        create table erasures (person, due_day);
        insert into erasures values
            ('zoe', '2026-04-01'), ('bob', '2026-04-02'), ('cyd', '2026-04-02');
    """,
    "requests": """
        create table requests (person, due_day, withdrawn);
        insert into requests values
            ('zoe', '2026-04-01', 0), ('bob', '2026-04-02', 0), ('cyd', '2026-04-02', 0),
            ('dan', '2026-04-02', 1);
    """,
}
DUE = "due_day = '2026-04-02'"

CASES: list[tuple[str, str, dict[str, str], str, dict[str, str]]] = [
    ("what is too old is gone", "retention", {}, "verified", {}),
    (
        "a day that is too old is left",
        "retention",
        {"app": "insert into events (day) values ('2026-01-01')"},
        "wrong",
        {"nothing-old": "violated"},
    ),
    (
        "a day more than due was deleted",
        "retention",
        {"app": "delete from events where day = '2026-01-02'"},
        "wrong",
        {"nothing-young-gone": "violated"},
    ),
    (
        "everything was deleted",
        "retention",
        {"app": "delete from events"},
        "wrong",
        {"nothing-young-gone": "violated"},
    ),
    (
        "what came in was never counted",
        "retention",
        {"app": "delete from daily_counts"},
        "unproven",
        {"nothing-young-gone": "unknown null_result"},
    ),
    (
        "the table was dropped",
        "retention",
        {"app": "drop table events"},
        "unproven",
        {
            "nothing-old": "unknown no_such_table",
            "nothing-young-gone": "unknown no_such_table",
        },
    ),
    (
        "one event was deleted and another came in twice, which no check can see",
        "retention",
        {"app": "update events set day = '2026-04-02' where id = 1"},
        "verified",
        {},
    ),
    ("all are erased who asked", "erasure", {}, "verified", {}),
    (
        "nobody asked, and nobody is erased",
        "erasure",
        {"app": f"delete from erasures where {DUE}", "requests": "delete from requests"},
        "verified",
        {},
    ),
    (
        "nobody is erased",
        "erasure",
        {"app": f"delete from erasures where {DUE}; insert into people values ('bob'), ('cyd')"},
        "absent",
        {"every-request": "violated none missing=2"},
    ),
    (
        "one request is left out",
        "erasure",
        {"app": "delete from erasures where person = 'bob'; insert into people values ('bob')"},
        "partial",
        {"every-request": "violated partial missing=1"},
    ),
    (
        "one is on record twice, under another day",
        "erasure",
        {"app": "insert into erasures values ('bob', '2026-04-03')"},
        "duplicated",
        {"every-request": "violated duplicated surplus=1"},
    ),
    (
        "a request that was withdrawn is carried out",
        "erasure",
        {
            "app": "delete from people where id = 'dan'; insert into erasures values "
            "('dan', '2026-04-02')"
        },
        "wrong",
        {"every-request": "violated complete unexpected=1"},
    ),
    (
        "one is on record and still there",
        "erasure",
        {"app": "insert into people values ('bob')"},
        "wrong",
        {"no-trace": "violated"},
    ),
    (
        "one is gone but for an address",
        "erasure",
        {"app": "insert into addresses values ('cyd')"},
        "wrong",
        {"no-trace": "violated"},
    ),
    (
        "the requests are away",
        "erasure",
        {"requests": "drop table requests"},
        "unproven",
        {"every-request": "unknown no_such_table"},
    ),
    (
        "somebody is erased without a record, which no check can see",
        "erasure",
        {"app": "delete from people where id = 'ann'"},
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
    it = bench("retention-and-deletion")
    it.plant(GOOD)
    it.plant(planted)
    assert it.ask(job) == (verdict, told)

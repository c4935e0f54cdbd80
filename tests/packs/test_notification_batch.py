"""The pack of the notification batch: a batch as it should be, and each way it breaks."""

from typing import Any

import pytest

GOOD = {
    "shop": """
        create table closed_days (day);
        insert into closed_days values ('2026-04-02');
        create table customers (id, wants_mail);
        insert into customers values ('ann', 1), ('bob', 1), ('cyd', 0);
        create table notifications (id, customer, due_day);
        insert into notifications values
            (1, 'ann', '2026-04-02'), (2, 'bob', '2026-04-02'), (3, 'cyd', '2026-04-02'),
            (4, 'ann', '2026-04-02'), (9, 'ann', '2026-04-01');
    """,
    "mail": """
        create table outbox (notification, batch_day, state);
        insert into outbox values
            (9, '2026-04-01', 'accepted'), (1, '2026-04-02', 'accepted'),
            (2, '2026-04-02', 'accepted'), (4, '2026-04-02', 'accepted');
        create table server_report (batch_day, accepted);
        insert into server_report values ('2026-04-01', 1), ('2026-04-02', 3);
    """,
}
BATCH = "batch_day = '2026-04-02'"


def reported(number: int) -> str:
    """What the mail server counted of the batch, as it would."""
    return f"; update server_report set accepted = {number} where {BATCH}"


CASES: list[tuple[str, dict[str, str], str, dict[str, str]]] = [
    ("a batch as it should be", {}, "verified", {}),
    (
        "nothing was sent",
        {"mail": f"delete from outbox where {BATCH}; delete from server_report where {BATCH}"},
        "absent",
        {"mailed-once": "violated none missing=3", "server-agrees": "unknown null_result"},
    ),
    (
        "the batch stopped half-way",
        {"mail": "delete from outbox where notification in (2, 4)" + reported(1)},
        "partial",
        {"mailed-once": "violated partial missing=2"},
    ),
    (
        "a mail that the server refused is not a mail",
        {"mail": "update outbox set state = 'refused' where notification = 2" + reported(2)},
        "partial",
        {"mailed-once": "violated partial missing=1"},
    ),
    (
        "one is mailed twice by the batch",
        {"mail": f"insert into outbox values (2, '2026-04-02', 'accepted'){reported(4)}"},
        "duplicated",
        {"mailed-once": "violated duplicated surplus=1"},
    ),
    (
        "one was mailed by an earlier batch already",
        {"mail": "insert into outbox values (2, '2026-02-01', 'accepted')"},
        "duplicated",
        {"mailed-once": "violated duplicated surplus=1"},
    ),
    (
        "one is mailed once more by a later batch",
        {"mail": "insert into outbox values (2, '2026-04-03', 'accepted')"},
        "duplicated",
        {"mailed-once": "violated duplicated surplus=1"},
    ),
    (
        "one is missing and another is mailed twice, so that the number is right",
        {"mail": "update outbox set notification = 2 where notification = 1"},
        "duplicated",
        {"mailed-once": "violated duplicated missing=1 surplus=1"},
    ),
    (
        "a customer who said no is mailed",
        {"mail": f"insert into outbox values (3, '2026-04-02', 'accepted'){reported(4)}"},
        "wrong",
        {"mailed-once": "violated complete unexpected=1"},
    ),
    (
        "the sender died with one mail under way",
        {"mail": "update outbox set state = 'sending' where notification = 4" + reported(2)},
        "unproven",
        {"mailed-once": "unknown in_doubt"},
    ),
    (
        "a later try of a mail in doubt was accepted",
        {"mail": "insert into outbox values (4, '2026-04-02', 'sending')"},
        "verified",
        {},
    ),
    (
        "the server took fewer than the outbox says",
        {"mail": "select 1" + reported(2)},
        "wrong",
        {"server-agrees": "violated"},
    ),
    (
        "nobody reported on the batch",
        {"mail": f"delete from server_report where {BATCH}"},
        "unproven",
        {"server-agrees": "unknown null_result"},
    ),
    (
        "the list is not closed yet",
        {"shop": "delete from closed_days"},
        "unproven",
        {"mailed-once": "unknown expected_not_ready"},
    ),
    (
        "the list is empty",
        {"shop": "delete from notifications"},
        "unproven",
        {"mailed-once": "unknown expected_empty"},
    ),
]


@pytest.mark.parametrize(
    ("planted", "verdict", "told"), [each[1:] for each in CASES], ids=[each[0] for each in CASES]
)
def test_a_batch_comes_out(
    bench: Any, planted: dict[str, str], verdict: str, told: dict[str, str]
) -> None:
    it = bench("notification-batch")
    it.plant(GOOD)
    it.plant(planted)
    assert it.ask("notifications") == (verdict, told)

import pytest
from pydantic import TypeAdapter, ValidationError

from verifier.checks.registry import Check
from verifier.runs.evaluation import Effect, Result

MAILED = {
    "type": "ledger",
    "expected": {"store": "orders", "sql": "select code from regions where active"},
    "log": {
        "store": "warehouse",
        "table": "outbox",
        "key": ["region"],
        "where": "batch = :day",
        "done": "status = 'sent'",
        "in_doubt": "status = 'sending'",
    },
}


@pytest.fixture
def outbox(orders, warehouse):
    """Writes rows of the outbox: region, status, and the batch, which is the run's by default."""
    warehouse.run("CREATE TABLE outbox (batch TEXT, region TEXT, status TEXT)")

    def writing(*rows):
        warehouse.run(
            "INSERT INTO outbox VALUES (?, ?, ?)",
            [
                (batch[0] if batch else "2026-04-02", region, status)
                for region, status, *batch in rows
            ],
        )

    return writing


SENT = [("DE", "sent"), ("FR", "sent"), ("IT", "sent")]


@pytest.mark.parametrize(
    ("rows", "effect", "counts"),
    [
        ([], Effect.NONE, (0, 3, 0, 0)),
        ([("DE", "failed"), ("FR", "queued")], Effect.NONE, (0, 3, 0, 0)),
        (SENT, Effect.COMPLETE, (3, 0, 0, 0)),
        ([*SENT, ("DE", "failed")], Effect.COMPLETE, (3, 0, 0, 0)),
        ([*SENT, ("DE", "sending")], Effect.COMPLETE, (3, 0, 0, 0)),
        (SENT[:2], Effect.PARTIAL, (2, 1, 0, 0)),
        ([*SENT, ("DE", "sent")], Effect.DUPLICATED, (3, 0, 1, 0)),
        ([*SENT, ("DE", "sent", "2025-12-01")], Effect.DUPLICATED, (3, 0, 1, 0)),
        ([("DE", "sent"), ("DE", "sent")], Effect.DUPLICATED, (1, 2, 1, 0)),
        ([*SENT, ("XX", "sent")], Effect.COMPLETE, (3, 0, 0, 1)),
        ([("DE", "sent"), ("FR", "sending")], Effect.PARTIAL, (1, 2, 0, 0)),
        ([("DE", "sent"), ("DE", "sent"), ("FR", "sending")], Effect.DUPLICATED, (1, 2, 1, 0)),
    ],
)
def test_each_intended_effect_is_counted_once(ask, outbox, rows, effect, counts):
    outbox(*rows)

    answer = ask(MAILED)

    assert answer.effect is effect
    assert (answer.done, answer.missing, answer.surplus, answer.unexpected) == counts
    assert (answer.result is Result.HOLDS) == (effect is Effect.COMPLETE and not counts[3])


@pytest.mark.parametrize(
    "rows",
    [
        [("DE", "sending")],
        [("DE", "sending"), ("FR", "sending"), ("IT", "sending")],
        [("DE", "sent"), ("FR", "sent"), ("IT", "sending")],
    ],
)
def test_where_rows_in_doubt_decide_nobody_can_tell(ask, outbox, rows):
    outbox(*rows)

    answer = ask(MAILED)

    assert (answer.result, answer.reason, answer.effect) == (Result.UNKNOWN, "in_doubt", None)
    assert answer.evidence["in_doubt"] == sum(status == "sending" for _, status in rows)


def test_a_log_without_states_counts_every_row(ask, outbox):
    outbox(("DE", "x"), ("FR", "y"), ("IT", "z"))
    log = {name: MAILED["log"][name] for name in ("store", "table", "key", "where")}

    assert ask({**MAILED, "log": log}).effect is Effect.COMPLETE
    outbox(("IT", None, "2020-01-01"))
    assert ask({**MAILED, "log": log}).effect is Effect.DUPLICATED
    assert ask({**MAILED, "log": {**log, "within": "interval"}}).effect is Effect.COMPLETE


def test_an_empty_intention_proves_nothing(ask, outbox, orders):
    orders.run("UPDATE regions SET active = 0")

    assert ask(MAILED).reason == "expected_empty"


def test_one_witness_is_needed_and_no_more():
    api = {"store": "partner", "path": "payouts", "items": "data", "key": ["id"]}
    for fields in ({"log": None}, {"api": api}):
        with pytest.raises(ValidationError, match="either 'log' or 'api'"):
            TypeAdapter(Check).validate_python({"name": "it", **MAILED, **fields})

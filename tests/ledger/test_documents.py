import pytest

from verifier.ledger.documents import stores_asked


def test_a_check_asks_its_store_a_reconcile_the_right_one_and_a_ledger_its_witness():
    document = {
        "checks": [
            {"name": "rows", "store": "warehouse", "expected": {"store": "shop"}},
            {"name": "sums", "left": {"store": "shop"}, "right": {"store": "lake"}},
            {"name": "mails", "expected": {"store": "shop"}, "log": {"store": "outbox"}},
            {"name": "payouts", "expected": {"store": "shop"}, "api": {"store": "partner"}},
        ]
    }
    assert stores_asked(document) == {
        "rows": "warehouse",
        "sums": "lake",
        "mails": "outbox",
        "payouts": "partner",
    }


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"checks": None},
        {"checks": "rows"},
        {"checks": [None, "rows", 3, {}, {"store": "w"}, {"name": "rows"}]},
        {"checks": [{"name": "sums", "right": "lake"}]},
    ],
)
def test_a_document_that_is_otherwise_asks_nothing(document):
    assert stores_asked(document) == {}

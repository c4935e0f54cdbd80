import pytest

from verifier.checks.evidence import Detail

SCOPE = {
    "type": "scope",
    "store": "warehouse",
    "table": "daily_revenue",
    "key": ["region"],
    "where": "day = :day",
    "expected": {"store": "orders", "sql": "select code from regions where active"},
}


@pytest.mark.parametrize("detail", Detail)
def test_no_more_is_kept_of_keys_than_a_job_allows(ask, orders, load, detail):
    load("DE", "DE", "XX")

    answer = ask(SCOPE, detail=detail)

    assert (answer.missing, answer.surplus, answer.unexpected) == (2, 1, 1)
    text = str(answer.evidence)
    assert ("XX" in text) == (detail is Detail.KEYS)
    assert ("statement" in text) == (detail is not Detail.NONE)
    assert bool(answer.evidence) == (detail is not Detail.NONE)


def test_the_words_of_a_database_may_quote_a_row_and_are_dropped_with_the_keys(ask, warehouse):
    check = {"type": "sql", "store": "warehouse", "sql": "select no_such", "eq": 1}

    assert "no_such" in ask(check).evidence["detail"]
    answer = ask(check, detail=Detail.COUNTS)
    assert (answer.reason, "detail" in answer.evidence) == ("no_such_column", False)


def test_each_store_is_told_with_its_instant_and_how_long_it_took(ask, orders, load, now):
    load("DE", "FR", "IT")

    asked = ask(SCOPE).evidence["asked"]

    assert set(asked) == {"orders", "warehouse"}
    assert asked["orders"]["snapshot"] == now.isoformat()  # a file has no clock of its own
    assert 0 < asked["warehouse"]["seconds"] < 60

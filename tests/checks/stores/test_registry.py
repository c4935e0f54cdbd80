import pytest

from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.stores.registry import Stores
from verifier.checks.stores.sql import SqlStoreConfig


@pytest.fixture
def configs(file, tmp_path):
    return {
        name: SqlStoreConfig.model_validate({"type": "sql", "url": f"sqlite:///{path}"})
        for name, path in (("shop", file), ("gone", tmp_path / "gone.db"))
    }


def test_each_store_says_whether_it_can_be_asked(configs):
    with Stores(configs) as stores:
        assert stores.probe("shop") is None
        assert stores.probe("gone") is UnknownReason.UNREACHABLE
        assert stores.probe("undeclared") is UnknownReason.UNREACHABLE


def test_a_store_that_is_not_declared_cannot_be_had(configs):
    with Stores(configs) as stores, pytest.raises(CannotTell, match="undeclared"):
        stores.get("undeclared")


def test_after_an_interrupt_and_after_the_end_nothing_is_asked_any_more(configs):
    with Stores(configs) as stores:
        stores.interrupt()
        assert stores.probe("shop") is UnknownReason.INTERRUPTED
    with Stores(configs) as stores:
        assert stores.probe("shop") is None
    assert stores.probe("shop") is UnknownReason.INTERRUPTED

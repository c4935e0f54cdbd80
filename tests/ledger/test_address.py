import pytest

from verifier.ledger.address import database_at
from verifier.ledger.errors import LedgerError


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_a_postgresql_url_names_a_database_whose_name_tells_no_secret(scheme):
    database = database_at(f"{scheme}://ann:hunter2@db:5433/landed?sslpassword=hunter2")
    assert database.name == "postgresql://db:5433/landed"
    database.close()


def test_another_database_is_not_supported_and_its_password_is_not_told():
    with pytest.raises(LedgerError, match=r"postgresql\+psycopg.* found one of 'mysql'") as caught:
        database_at("mysql://ann:hunter2@db/landed")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["hunter2", "postgresql://u:p@h:hunter2/x"])
def test_a_text_that_is_no_url_is_refused_without_repeating_it(text):
    with pytest.raises(LedgerError, match="no URL") as caught:
        database_at(text)
    assert "hunter2" not in str(caught.value)


def test_where_the_driver_is_missing_the_extra_that_brings_it_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(LedgerError, match=r"landed\[postgresql\]"):
        database_at("postgresql://db/landed")

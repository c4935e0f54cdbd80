import pytest

from verifier.config.secret import (
    Hidden,
    bears_secrets,
    cut,
    show_key,
    show_path,
    show_value,
    without_quotes,
)


@pytest.mark.parametrize(
    "key",
    ["password", "passwd", "tokens", "Authorization", "headers", "client_secret", "api_key"],
)
def test_what_stands_at_or_below_a_secret_key_is_never_shown(key: str) -> None:
    assert bears_secrets(("stores", key))
    assert bears_secrets(("stores", key, "x", 0))
    assert "hunter2" not in show_value("hunter2", ("stores", key))
    assert "hunter2" not in show_key(("stores", key, "hunter2"))
    assert "hunter2" not in show_path(("stores", key, "hunter2", "x"))


def test_business_keys_are_no_secrets() -> None:
    path = ("jobs", "daily", "checks", 0, "key", 1)
    assert not bears_secrets(path)
    assert show_path(path) == "jobs.daily.checks[0].key[1]"
    assert show_value("region", path) == "'region'"


def test_of_an_address_only_the_scheme_is_shown() -> None:
    shown = show_value("postgresql://landed:hunter2@db/orders?sslpassword=x", ("stores", "url"))
    assert shown == "'postgresql://…'"
    assert show_value("sqlite+pysqlite://a\nb", ("statement",)) == "'sqlite://…'"


@pytest.mark.parametrize("value", ["hunter2://x", "x://hunter2", "A://hunter2"])
def test_of_an_address_without_a_known_scheme_nothing_is_shown(value: str) -> None:
    assert (
        show_value(value, ("statement",))
        == "a text that is not shown, since it may hold a password"
    )


def test_an_address_that_is_none_is_not_shown_where_one_belongs() -> None:
    assert "hunter2" not in show_value("landed:hunter2@db", ("stores", "shop", "url"))
    assert show_value("${SHOP_URL}", ("stores", "shop", "url")) == "'${SHOP_URL}'"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": 1}, "a mapping"),
        ([1], "a list"),
        (None, "nothing"),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        ("a\nb\x1b", "'a\\nb\\x1b'"),
    ],
)
def test_a_value_is_shown_on_one_line(value: object, shown: str) -> None:
    assert show_value(value, ("x",)) == shown


def test_what_is_shown_is_cut() -> None:
    assert cut("x" * 60) == "x" * 60
    assert cut("x" * 61) == "x" * 59 + "…"
    assert len(show_value("y" * 500, ("x",))) == 62
    assert len(show_value(10**200, ("x",))) == 60


def test_a_parsers_words_lose_what_they_quote_but_for_signs_and_tokens() -> None:
    said = "expected ',' or '<stream end>', found 'hunter2' and \"hun'ter3\""
    assert without_quotes(said) == "expected ',' or '<stream end>', found '…' and '…'"


def test_a_text_that_repeats_a_part_of_what_is_hidden_below_a_path_is_known() -> None:
    written = {"a": {"url": "${URL}"}, "b": "plain text"}
    value = {"a": {"url": "postgresql://landed:hunter2@db/x"}, "b": "plain text"}
    hidden = Hidden(written, value)
    assert hidden.is_told_by("port 'unter' is no number", ("a",))
    assert not hidden.is_told_by("port 'unter' is no number", ("b",))
    assert not hidden.is_told_by("expected postgresql or sqlite", ("a",))
    assert not hidden.is_told_by("plain text", ())


def test_a_short_hidden_text_is_known_as_a_whole() -> None:
    hidden = Hidden(["${A}"], ["abc"])
    assert hidden.is_told_by("found abc", ())
    assert not hidden.is_told_by("found ab", ())
    assert hidden.mask("found abc") == "found abc"


def test_a_hidden_text_is_masked_wherever_it_stands() -> None:
    hidden = Hidden({"password": "hunter22"}, {"password": "hunter22"})
    assert hidden.mask("found hunter22!") == "found …!"

from collections.abc import Callable

import pytest

from verifier.config.codes import Code
from verifier.config.load import Reading
from verifier.config.problem import Problem

Top = Callable[[str], str]
Only = Callable[..., Problem]

TOKENS = "tokens: {ingest: [ingest-token-16ch], operate: {ann: operate-token-16c}}"


@pytest.mark.parametrize(
    "listen", ["127.0.0.1:9877", "127.9.9.9:1", "localhost:9877", '"[::1]:9877"', "127.0.0.1:0"]
)
def test_loopback_needs_no_token(listen: str, with_top: Top, read: Callable[..., Reading]) -> None:
    assert read(with_top(f"listen: {listen}")).problems == ()


@pytest.mark.parametrize("listen", ["0.0.0.0:80", '"[::]:80"', "db.example:80", "10.0.0.1:80"])
def test_beyond_loopback_tokens_are_needed(
    listen: str, with_top: Top, only: Only, read: Callable[..., Reading]
) -> None:
    assert only(with_top(f"listen: {listen}")).code is Code.OPEN_WITHOUT_TOKENS
    assert read(with_top(f"listen: {listen}\n{TOKENS}")).problems == ()


@pytest.mark.parametrize(
    "tokens", ["{ingest: [ingest-token-16ch]}", "{operate: {ann: operate-token-16c}}"]
)
def test_beyond_loopback_both_kinds_of_token_are_needed(
    tokens: str, with_top: Top, only: Only
) -> None:
    assert only(with_top(f"listen: 0.0.0.0:80\ntokens: {tokens}")).code is Code.OPEN_WITHOUT_TOKENS


@pytest.mark.parametrize(
    "listen",
    [
        "9877",
        ":9877",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "::1:80",
        "[1.2.3.4:80",
        "a b:1",
    ],
)
def test_an_address_that_is_none_is_told(listen: str, with_top: Top, only: Only) -> None:
    problem = only(with_top(f'listen: "{listen}"'))
    assert (problem.code, problem.path) == (Code.BAD_VALUE, "listen")


@pytest.mark.parametrize(
    "token", ['"hunter2 hunter2 hunter2"', '"hunter2hunter2hunter2ö"', "hunter2", '""']
)
def test_a_token_that_no_header_carries_or_that_is_short_is_told_and_not_shown(
    token: str, with_top: Top, only: Only
) -> None:
    problem = only(with_top(f"tokens: {{ingest: [{token}]}}"))
    assert problem.code is Code.BAD_VALUE
    assert "hunter" not in str(problem)


@pytest.mark.parametrize("uuid", ["hunter2-no-uuid", "3f2c1d4e-0000-4000-8000", '""', "[a]"])
def test_a_ping_token_that_is_no_uuid_is_told_and_not_shown(
    uuid: str, with_top: Top, only: Only
) -> None:
    problem = only(with_top(f"tokens: {{ping: {{daily-revenue: {uuid}}}}}"))
    assert problem.code in (Code.BAD_VALUE, Code.WRONG_TYPE)
    assert "hunter" not in str(problem)


@pytest.mark.parametrize(
    ("ledger", "code"),
    [
        ("sqlite:///landed.db", None),
        ("sqlite:////var/lib/landed/landed.db", None),
        ("postgresql+psycopg://u:hunter2@db/landed", None),
        ("mysql://u:hunter2@db/landed", Code.BAD_VALUE),
        ("sqlite://", Code.BAD_VALUE),
        ("sqlite:///:memory:", Code.BAD_VALUE),
        ("sqlite:///a.db?mode=ro", Code.BAD_VALUE),
        ("landed.db", Code.BAD_VALUE),
        ("u:hunter2:x://y", Code.BAD_VALUE),
        ("postgresql://u:p@h:hunter2/x", Code.BAD_VALUE),
    ],
)
@pytest.mark.parametrize("by_variable", [False, True])
def test_a_ledger_is_a_file_of_sqlite_or_a_database_of_postgresql(
    ledger: str,
    code: Code | None,
    by_variable: bool,
    with_top: Top,
    read: Callable[..., Reading],
) -> None:
    if by_variable:
        reading = read(with_top("ledger: sqlite:///unused.db"), {"LANDED_LEDGER": ledger})
    else:
        reading = read(with_top(f'ledger: "{ledger}"'))
    if code is None:
        assert reading.config is not None
        assert reading.config.ledger == ledger
        return
    (problem,) = reading.problems
    assert (problem.code, problem.path) == (code, "ledger")
    assert "hunter" not in str(problem)
    assert ("LANDED_LEDGER" in problem.message) is by_variable

import pytest
from pydantic import SecretStr
from starlette.datastructures import Headers

from verifier.config.file import Address, Tokens
from verifier.web.access import Access, Right, host_name
from verifier.web.problems import HttpProblem, ProblemKind

INGEST = "ingest-token-0123456789"
ONCALL = "oncall-token-0123456789"
MADE = "made-token-beside-the-ledger"
LOOPBACK = Address("127.0.0.1", 9877)
EVERYWHERE = Address("0.0.0.0", 9877)
NO_TOKENS = Tokens()
TOKENS = Tokens(ingest=(SecretStr(INGEST),), operate={"oncall": SecretStr(ONCALL)})


def refusal(access: Access, authorization: str | None, right: Right) -> ProblemKind:
    with pytest.raises(HttpProblem) as raised:
        access.admit(authorization, right)
    return raised.value.kind


def test_on_loopback_without_ingest_tokens_anybody_may_use_it():
    access = Access.of(LOOPBACK, NO_TOKENS, MADE)
    assert not access.admit(None, Right.USE).may_operate
    assert not access.admit("Bearer whatever-it-is", Right.USE).may_operate


def test_on_loopback_acting_takes_an_operate_token_all_the_same():
    access = Access.of(LOOPBACK, NO_TOKENS, MADE)
    assert refusal(access, None, Right.OPERATE) is ProblemKind.UNAUTHORIZED
    assert access.admit(f"Bearer {MADE}", Right.OPERATE).may_operate


@pytest.mark.parametrize("listen", [LOOPBACK, EVERYWHERE])
def test_where_an_ingest_token_is_configured_everybody_shows_one(listen):
    access = Access.of(listen, TOKENS, MADE)
    assert refusal(access, None, Right.USE) is ProblemKind.UNAUTHORIZED
    assert refusal(access, "Bearer wrong-token-0123456789", Right.USE) is ProblemKind.UNAUTHORIZED
    for token in (INGEST, ONCALL, MADE):
        access.admit(f"Bearer {token}", Right.USE)


def test_beyond_loopback_nothing_is_open_even_where_no_token_is_configured():
    access = Access.of(EVERYWHERE, NO_TOKENS, MADE)
    assert refusal(access, None, Right.USE) is ProblemKind.UNAUTHORIZED
    access.admit(f"Bearer {MADE}", Right.USE)


def test_an_open_route_takes_no_token():
    Access.of(EVERYWHERE, TOKENS, None).admit(None, Right.OPEN)


def test_an_ingest_token_does_not_act():
    access = Access.of(LOOPBACK, TOKENS, MADE)
    assert refusal(access, f"Bearer {INGEST}", Right.OPERATE) is ProblemKind.FORBIDDEN


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", f"Basic {MADE}", MADE, "Bearer ünïcode"]
)
def test_what_is_no_bearer_token_opens_nothing(header):
    access = Access.of(LOOPBACK, NO_TOKENS, MADE)
    assert refusal(access, header, Right.OPERATE) is ProblemKind.UNAUTHORIZED


def test_without_any_operate_token_nobody_acts():
    access = Access.of(LOOPBACK, NO_TOKENS, None)
    assert refusal(access, "Bearer ", Right.OPERATE) is ProblemKind.UNAUTHORIZED


def test_a_401_says_how_to_come_back():
    with pytest.raises(HttpProblem) as raised:
        Access.of(LOOPBACK, NO_TOKENS, MADE).admit("Bearer wrong", Right.OPERATE)
    assert raised.value.headers["WWW-Authenticate"].startswith('Bearer realm="landed"')


def test_the_name_of_a_configured_token_is_recorded_beside_what_the_caller_says():
    access = Access.of(LOOPBACK, TOKENS, MADE)
    named = access.admit(f"Bearer {ONCALL}", Right.OPERATE)
    unnamed = access.admit(f"Bearer {MADE}", Right.OPERATE)
    assert named.signing("anna") == "anna (token oncall)"
    assert unnamed.signing("anna") == "anna"


def test_no_token_shows_in_what_is_printed_of_the_rules():
    shown = repr(Access.of(LOOPBACK, TOKENS, MADE))
    assert not any(token in shown for token in (INGEST, ONCALL, MADE))


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost:9877", "localhost"),
        ("LOCALHOST.", "localhost"),
        ("[::1]:9877", "::1"),
        ("[::1]", "::1"),
        ("127.0.0.1", "127.0.0.1"),
        ("", ""),
        ("[::1", "::1"),
    ],
)
def test_a_host_is_compared_without_its_port(header, name):
    assert host_name(header) == name


@pytest.mark.parametrize("host", ["localhost:9877", "127.0.0.1:1", "[::1]:9877", "landed.example"])
def test_known_hosts_are_let_in(host):
    access = Access.of(LOOPBACK, NO_TOKENS, MADE, hosts=["landed.example"])
    assert access.knows_host(Headers({"host": host}))


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "a@localhost"]
)
def test_on_loopback_no_other_host_is(host):
    access = Access.of(LOOPBACK, NO_TOKENS, MADE)
    assert not access.knows_host(Headers({"host": host}))


def test_two_hosts_are_none():
    access = Access.of(LOOPBACK, NO_TOKENS, MADE)
    assert not access.knows_host(Headers(raw=[(b"host", b"localhost")] * 2))
    assert not access.knows_host(Headers())


@pytest.mark.parametrize("host", ["10.0.0.1:9877", "[fd00::1]:9877"])
def test_beyond_loopback_any_address_is_a_host_since_none_can_be_rebound(host):
    assert Access.of(EVERYWHERE, TOKENS, MADE).knows_host(Headers({"host": host}))
    assert not Access.of(EVERYWHERE, TOKENS, MADE).knows_host(Headers({"host": "evil.example"}))

import anyio
import pytest
from starlette.requests import Request

from verifier.runs.signal import Lane
from verifier.web.body import enum_words, media_type, read_body
from verifier.web.problems import HttpProblem, ProblemKind


def request(*pieces: bytes, headers: dict[str, str] | None = None, ends: bool = True) -> Request:
    """A request whose body comes in pieces, and where it does not end, stops coming."""
    waiting = list(pieces)

    async def receive():
        if not waiting:
            await anyio.sleep_forever()
        piece = waiting.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(waiting) or not ends}

    raw = [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()]
    return Request({"type": "http", "method": "POST", "headers": raw}, receive)


def refusal(*pieces: bytes, limit: int = 10, **more) -> HttpProblem:
    with pytest.raises(HttpProblem) as raised:
        anyio.run(read_body, request(*pieces, **more), limit, 0.05)
    return raised.value


def test_a_body_is_put_together_from_its_pieces():
    assert anyio.run(read_body, request(b"01234", b"", b"56789"), 10) == b"0123456789"


def test_a_body_that_stops_coming_is_given_up_and_its_connection_with_it():
    problem = refusal(b"01", ends=False)
    assert problem.kind is ProblemKind.TOO_SLOW
    assert problem.headers["Connection"] == "close"
    assert "2 bytes" in problem.detail


def test_a_body_that_grows_beyond_the_limit_is_cut_whatever_it_announced():
    assert refusal(b"01234", b"567890").kind is ProblemKind.TOO_LARGE
    lied = {"Content-Length": "3"}
    assert refusal(b"01234567890", headers=lied).kind is ProblemKind.TOO_LARGE


def test_a_body_that_announces_too_much_is_not_even_read():
    headers = {"Content-Length": "11"}
    assert refusal(headers=headers, ends=False).kind is ProblemKind.TOO_LARGE


@pytest.mark.parametrize(
    "declared",
    ["application/json", "Application/JSON", 'application/json; charset="utf-8"; x=y'],
)
def test_the_type_is_compared_as_http_has_it(declared):
    assert media_type(request(headers={"Content-Type": declared}), "application/json") == (
        "application/json"
    )


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": ""},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": "text/plain; application/json"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "br"},
    ],
)
def test_another_type_is_told_with_what_was_expected(headers):
    with pytest.raises(HttpProblem, match="expected") as raised:
        media_type(request(headers=headers), "application/json")
    assert raised.value.kind is ProblemKind.UNSUPPORTED_MEDIA_TYPE


def test_the_words_of_an_enum_are_found_in_a_type_that_may_be_left_out():
    assert enum_words(Lane | None) == [str(lane) for lane in Lane]
    assert enum_words(str | None) == enum_words(None) == []

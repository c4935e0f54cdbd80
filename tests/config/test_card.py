from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from verifier.config.card import card
from verifier.config.load import Reading, load

EXAMPLE = Path(__file__).parents[2] / "checks" / "example.yaml"
NOW = datetime(2026, 4, 3, tzinfo=UTC)


def of(name: str) -> str:
    return "\n".join(card(load(EXAMPLE, {}).job(name), NOW))


@pytest.mark.parametrize("name", list(load(EXAMPLE, {}).jobs))
def test_no_line_is_wider_than_eighty_characters(name: str) -> None:
    assert max(map(len, of(name).splitlines())) <= 80


def test_a_card_says_what_the_job_promises_and_when_it_is_due_next() -> None:
    text = of("daily-revenue")
    assert text.startswith("daily-revenue\n  promises  Every active region has yesterday's revenue")
    assert "0 2 * * * in Europe/Berlin; next 2026-04-04T00:00:00Z" in text
    assert "2026-04-02T22:00:00Z to 2026-04-03T22:00:00Z" in " ".join(text.split())
    assert "verified within 2h, or somebody is paged" in " ".join(text.split())
    assert "regions (scope), no-double (exactly_once)" in text
    assert "guard     on; where nobody can tell it is open" in text
    assert "runbook   https://wiki.example/revenue" in text


def test_a_card_says_what_is_safe_and_what_is_not() -> None:
    text = " ".join(of("payouts").split())
    assert (
        "if it dies half way: partial -> compare and repair by hand before anything else "
        "! do not start it again: what was sent or paid already would be sent or paid twice"
    ) in text
    assert "if it falls silent: settling, it may still write -> make sure that it is dead" in text
    assert "if it says so, and half is there: partial, a false success ->" in text


def test_a_card_does_not_say_to_run_again_what_would_be_wrong_again() -> None:
    text = " ".join(of("daily-revenue").split())
    assert "wrong" in text
    for fate in text.split(" if ")[1:]:
        if "do not rerun before the cause is known" in fate:
            assert "-> find the cause, then run it again" in fate
            assert "it repairs itself" not in fate


def test_a_card_of_a_job_that_promises_nothing_says_so() -> None:
    text = of("cache-warmup")
    assert "promises  nothing: best effort" in text
    assert "every 1h; next 2026-04-03T01:00:00Z" in text
    assert "nobody asked to prove it" in text
    assert "off: nothing keeps a second attempt from starting" in text
    assert "verified within" not in text


@pytest.mark.parametrize(
    ("severity", "words"), [("ticket", ", or there is a ticket;"), ("none", "verified within 1h;")]
)
def test_a_card_says_how_loud_a_stale_job_is(
    severity: str, words: str, with_job: Callable[..., str], read: Callable[..., Reading]
) -> None:
    config = read(with_job(severity=severity, verified_within="1h", finish_within="30m")).config
    assert config is not None
    assert words in " ".join(" ".join(card(config.job("daily"), NOW)).split())


def test_a_card_says_what_no_check_would_notice() -> None:
    assert "! no check of this job would notice" in of("warehouse-sync")
    assert "would notice" not in of("daily-revenue")


@pytest.mark.parametrize(("share", "enough"), [("100%", "all"), ("99.5%", "99.5% of them")])
def test_a_card_says_what_is_told_apart(
    share: str, enough: str, read: Callable[..., Reading]
) -> None:
    assert "split" not in of("daily-revenue")
    pack = (EXAMPLE.parent / "billing-close.yaml").read_text()
    config = read(pack.replace("complete_when: 100%", f"complete_when: {share}"), {}).config
    assert config is not None
    (name,) = config.jobs
    text = card(config.job(name), NOW)
    assert max(map(len, text)) <= 80
    words = " ".join(" ".join(text).split())
    assert "split by tenant: each that is an exception has a run" in words
    assert f"useful once {enough}" in words

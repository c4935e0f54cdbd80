from collections.abc import Callable
from pathlib import Path

import pytest

from verifier.config.fate import Fate, fates
from verifier.config.load import Reading, load
from verifier.runs.declaration import Declaration

EXAMPLE = Path(__file__).parents[2] / "checks" / "example.yaml"


def told(declaration: Declaration) -> dict[str, str]:
    """What is said of each fate: verdict or state, and action."""
    return {
        each.happens: f"{each.verdict or each.state} {each.action}" for each in fates(declaration)
    }


@pytest.fixture
def fate_of(with_job: Callable[..., str], read: Callable[..., Reading]) -> Callable[..., Fate]:
    def fate_of(happens: str, **keys: str | None) -> Fate:
        config = read(with_job(**keys)).config
        assert config is not None
        (fate,) = (
            each for each in fates(config.job("daily").declaration) if each.happens == happens
        )
        return fate

    return fate_of


def declared(name: str) -> Declaration:
    return load(EXAMPLE, {}).job(name).declaration


def test_a_job_that_replaces_its_day_repairs_itself() -> None:
    assert told(declared("daily-revenue")) == {
        "it never starts": "missing run",
        "nobody could hear it, and nothing is there": "ambiguous repair_rerun",
        "it dies before it writes": "absent retry",
        "it dies half way": "partial repair_rerun",
        "it dies after it wrote everything": "verified accept",
        "it dies, and the destination cannot be asked": "ambiguous repair_rerun",
        "it falls silent": "settling fence_first",
        "it breathes and does not move": "running stop_first",
        "it says that it succeeded, and did": "verified accept",
        "it says so, and half is there": "partial repair_rerun",
        "it says so, and wrote the wrong things": "wrong repair_rerun",
        "it says so, and wrote everything twice": "duplicated repair_rerun",
        "it says so, and the destination cannot be asked": "unproven ask_again",
    }


def test_a_job_that_sends_mail_is_never_started_again_over_what_is_there() -> None:
    assert told(declared("invoice-run")) == {
        "it never starts": "missing run",
        "nobody could hear it, and nothing is there": "ambiguous reconcile_first",
        "it dies before it writes": "absent retry",
        "it dies half way": "partial reconcile_first",
        "it dies half way, after it told a checkpoint": "partial reconcile_first",
        "it dies after invoices and before mail": "partial reconcile_first",
        "it dies after it wrote everything": "verified accept",
        "it dies, and the destination cannot be asked": "ambiguous reconcile_first",
        "it falls silent": "settling fence_first",
        "it says that it succeeded, and did": "verified accept",
        "it says so, and half is there": "partial reconcile_first",
        "it says so, and wrote the wrong things": "wrong reconcile_first",
        "it says so, and wrote everything twice": "duplicated reconcile_first",
        "it says so, and the destination cannot be asked": "unproven ask_again",
    }


def test_a_job_without_checks_is_known_by_hearsay_alone() -> None:
    assert told(declared("cache-warmup")) == {
        "it never starts": "missing run",
        "nobody could hear it": "unproven declare_check",
        "it dies": "absent retry",
        "it says that it succeeded": "unproven declare_check",
        "it falls silent": "settling fence_first",
    }


def test_a_checkpoint_lets_an_append_go_on(fate_of: Callable[..., Fate]) -> None:
    happens = "it dies half way, after it told a checkpoint"
    fate = fate_of(happens, effects="append", resumable="true")
    assert fate.action == "resume"


@pytest.mark.parametrize(("effects", "action"), [("replace", "wait"), ("append", "stop_retries")])
def test_a_retry_of_the_scheduler_is_waited_for_or_stopped(
    effects: str, action: str, fate_of: Callable[..., Fate]
) -> None:
    happens = "it dies half way, and the scheduler is about to retry"
    fate = fate_of(happens, effects=effects, retry="{max_attempts: 3, auto: before_effects}")
    assert fate.action == action


@pytest.mark.parametrize("settle", ["0s", "10s", "3h"])
def test_a_retry_is_still_pending_however_long_the_run_settles(
    settle: str, fate_of: Callable[..., Fate]
) -> None:
    happens = "it dies half way, and the scheduler is about to retry"
    fate = fate_of(
        happens, settle=settle, effects="append", retry="{max_attempts: 3, auto: before_effects}"
    )
    assert fate.action == "stop_retries"


def test_false_success_is_known_as_such(fate_of: Callable[..., Fate]) -> None:
    assert fate_of("it says so, and half is there").false_success
    assert not fate_of("it dies half way").false_success


def test_what_no_check_would_notice_is_told(fate_of: Callable[..., Fate]) -> None:
    count = '[{type: row_count, name: n, store: shop, sql: "select 1", ge: 1}]'
    happens = "it says so, and wrote the wrong things"
    assert fate_of(happens, checks=count).unnoticed
    assert not fate_of(happens).unnoticed
    assert not fate_of("it says that it succeeded, and did", checks=count).unnoticed


def test_silence_without_a_time_to_write_on_is_no_longer_at_large(
    fate_of: Callable[..., Fate],
) -> None:
    fate = fate_of("it falls silent", zombie_grace="1ms", lease="2m")
    assert fate.action != "fence_first"

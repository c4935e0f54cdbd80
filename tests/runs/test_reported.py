"""What was reported of a run, and where its chain broke."""

import pytest

from verifier.runs.attempt import fold, inferred_id
from verifier.runs.reported import chain_broke_at, counting, reported


def grant(build, name="g"):
    """A grant that is void from 02:02 on."""
    claimed = build.signal("claimed", "02:00", attempt=name, lease_until=build.at("02:02"))
    return build.attempt(claimed)


@pytest.mark.parametrize(
    ("attempts", "said"),
    [
        ([], "none"),
        (["created 02:00"], "queued"),
        (["started 02:00"], "running"),
        (["succeeded 02:10"], "succeeded"),
        (["failed 02:10"], "failed"),
        (["cancelled 02:10"], "cancelled"),
        (["timed_out 02:10"], "timed_out"),
        (["lost 02:10"], "lost"),
        (["started 02:00", "created 02:00", "succeeded 02:10"], "running"),
        (["created 02:00", "succeeded 02:10"], "queued"),
        (["succeeded 02:10", "failed 02:20"], "succeeded"),
        (["failed 02:10", "lost 02:20", "cancelled 02:15"], "lost"),
    ],
    ids=lambda value: " and ".join(value) if isinstance(value, list) else value,
)
def test_what_is_reported_of_a_run(build, attempts, said):
    known = [build.attempt(each, name=f"a{n}") for n, each in enumerate(attempts)]
    assert reported(known, build.job(), build.at("02:30")) == said
    assert reported(known[::-1], build.job(), build.at("02:30")) == said


def test_a_void_grant_counts_nowhere(build):
    attempts, job = [grant(build), build.attempt("failed 02:10")], build.job()
    assert reported(attempts[:1], job, build.at("02:01")) == "queued"
    assert reported(attempts[:1], job, build.at("02:02")) == "none"
    assert reported(attempts, job, build.at("02:30")) == "failed"
    assert counting(attempts, job, build.at("02:30")) == attempts[1:]


@pytest.mark.parametrize(
    ("attempts", "link"),
    [
        ([], "creation"),
        (["created 02:00"], "dispatch"),
        (["created 02:00", "dispatched 02:00"], "claim"),
        (["dispatched 02:00", "claimed 02:00"], "start"),
        (["created 02:00", "started 02:00"], None),
        (["failed 02:10"], None),
    ],
    ids=lambda value: " and ".join(value) if isinstance(value, list) else str(value),
)
def test_a_run_that_never_started_says_where_the_chain_broke(build, attempts, link):
    known = [build.attempt(each, name=f"a{n}") for n, each in enumerate(attempts)]
    assert chain_broke_at(known) == link


def test_a_loss_that_we_inferred_alone_is_no_start(build):
    loss = build.signal("lost", "02:02", id=inferred_id("a1", build.due))
    assert chain_broke_at([fold(None, [loss])]) == "creation"

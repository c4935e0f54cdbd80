"""Who is told of what is written into the rules."""

from datetime import timedelta
from typing import Any

from verifier.alerts.inventory import inventory, loudest
from verifier.runs.declaration import Declaration, Every, Severity, Surface, SurfaceKind

HOUR = timedelta(hours=1)


def job(name: str, severity: Severity, **more: Any) -> Declaration:
    return Declaration(
        job=name,
        schedule=Every(period=HOUR),
        surfaces=(Surface(name="table", kind=SurfaceKind.UPSERT),),
        finish_within=HOUR,
        verified_within=HOUR,
        zombie_grace=HOUR,
        severity=severity,
        **more,
    )


PAGE, TICKET, NONE = (job(f"{each}s", each) for each in Severity)


def test_a_job_that_nobody_wants_to_hear_of_is_left_out() -> None:
    assert [entry.job for entry in inventory([TICKET, NONE, PAGE])] == ["pages", "tickets"]


def test_the_order_of_the_configuration_changes_nothing() -> None:
    assert inventory([PAGE, TICKET]) == inventory([TICKET, PAGE])


def test_what_is_not_declared_is_no_label() -> None:
    (entry,) = inventory([TICKET])
    assert entry.labels == {"job_name": "tickets", "severity": "ticket"}


def test_what_is_declared_is_told_as_it_is() -> None:
    declared = job("a", Severity.PAGE, owner='"{{ x }}"', statement="a\nb", runbook="https://r")
    (entry,) = inventory([declared])
    assert entry.labels == {
        "job_name": "a",
        "severity": "page",
        "owner": '"{{ x }}"',
        "statement": "a\nb",
        "runbook": "https://r",
    }


def test_an_unwatched_fleet_is_as_loud_as_its_loudest_job() -> None:
    assert loudest(inventory([PAGE, TICKET])) is Severity.PAGE
    assert loudest(inventory([TICKET, NONE])) is Severity.TICKET
    assert loudest([]) is Severity.TICKET

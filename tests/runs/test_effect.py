"""What checks say of a surface, and surfaces of a job."""

from itertools import permutations

import msgspec
import pytest

from verifier.runs.declaration import CheckTraits, Surface, SurfaceKind
from verifier.runs.effect import SurfaceEffect, combine, findings
from verifier.runs.evaluation import LEARNING, Effect, Result

EFFECTS = {
    "scope": CheckTraits(name="scope", type="scope", says_effect=True),
    "ledger": CheckTraits(name="ledger", type="ledger", says_effect=True),
    "optional": CheckTraits(name="optional", type="scope", says_effect=True, required=False),
    "warning": CheckTraits(name="warning", type="scope", says_effect=True, only_warns=True),
    "once": CheckTraits(name="once", type="exactly_once", says_effect=True),
    "totals": CheckTraits(name="totals", type="reconcile"),
    "proof": CheckTraits(name="proof", type="sql", proves_complete=True),
}


def test_a_check_that_still_learns_what_is_usual_requires_nothing(build):
    learns = msgspec.structs.replace(build.answer("unknown", "totals"), reason=LEARNING)
    unsure = build.answer("unknown", "totals")
    scope = build.answer("complete", "scope")
    job = job_of(build, ["scope", "totals"])

    assert findings(job, [scope, learns]).unknown == ()
    assert findings(job, [scope, learns]).required_hold
    assert [name for name, _ in findings(job, [scope, unsure]).unknown] == ["totals"]
    # Alone it proves nothing.
    assert not findings(job_of(build, ["totals"]), [learns]).required_hold


def job_of(build, names):
    table = Surface(name="table", kind=SurfaceKind.APPEND, checks=tuple(names))
    return build.job(surfaces=(table,), checks=tuple(EFFECTS[name] for name in names))


def finding_of(build, answers):
    """What answers by check, such as ``{"scope": "none"}``, show together."""
    said = [build.answer(word, name) for name, word in answers.items() if word != "not_asked"]
    return findings(job_of(build, answers), said)


@pytest.mark.parametrize(
    ("answers", "effect"),
    [
        ({"scope": "none"}, "none"),
        ({"scope": "partial"}, "partial"),
        ({"scope": "complete"}, "complete"),
        ({"scope": "duplicated"}, "duplicated"),
        ({"scope": "unknown"}, "unknown"),
        ({"scope": "not_asked"}, "unknown"),
        ({}, "unknown"),
        # Any duplicated, then any partial.
        ({"scope": "partial", "ledger": "duplicated"}, "duplicated"),
        ({"scope": "unknown", "ledger": "duplicated"}, "duplicated"),
        ({"scope": "complete", "ledger": "partial"}, "partial"),
        ({"scope": "unknown", "ledger": "partial"}, "partial"),
        ({"scope": "complete", "optional": "duplicated"}, "duplicated"),
        ({"scope": "complete", "optional": "partial"}, "partial"),
        # None and complete only together.
        ({"scope": "none", "ledger": "none"}, "none"),
        ({"scope": "complete", "ledger": "complete"}, "complete"),
        ({"scope": "none", "ledger": "complete"}, "unknown"),
        ({"scope": "none", "ledger": "unknown"}, "unknown"),
        ({"scope": "complete", "ledger": "unknown"}, "unknown"),
        ({"scope": "complete", "ledger": "not_asked"}, "unknown"),
        # Only what is required can prove, but what is not may stay silent.
        ({"optional": "complete"}, "unknown"),
        ({"scope": "complete", "optional": "unknown"}, "complete"),
        ({"scope": "complete", "warning": "duplicated"}, "complete"),
        # exactly_once says duplicated, or nothing.
        ({"scope": "complete", "once": "holds"}, "complete"),
        ({"scope": "none", "once": "holds"}, "none"),
        ({"scope": "complete", "once": "duplicated"}, "duplicated"),
        ({"scope": "complete", "once": "unknown"}, "unknown"),
        ({"once": "holds"}, "unknown"),
        # Checks of quality say nothing of the effect, unless one proves it complete.
        ({"totals": "holds"}, "unknown"),
        ({"totals": "violated"}, "unknown"),
        ({"scope": "complete", "totals": "violated"}, "complete"),
        ({"proof": "holds"}, "complete"),
        ({"proof": "violated"}, "unknown"),
        ({"proof": "unknown"}, "unknown"),
        ({"proof": "not_asked"}, "unknown"),
        ({"proof": "holds", "scope": "unknown"}, "complete"),
        ({"proof": "holds", "scope": "none"}, "unknown"),
        ({"proof": "holds", "scope": "partial"}, "partial"),
        ({"proof": "violated", "scope": "complete"}, "complete"),
    ],
    ids=lambda value: (
        " and ".join(f"{name} {word}" for name, word in value.items()) or "nothing"
        if isinstance(value, dict)
        else value
    ),
)
def test_what_its_checks_say_of_a_surface(build, answers, effect):
    for order in permutations(answers.items()):
        assert finding_of(build, dict(order)).effect == effect


WORDS = ("none", "partial", "complete", "duplicated", "unknown")
PAIRS = {
    ("none", "none"): "none",
    ("none", "partial"): "partial",
    ("none", "complete"): "partial",
    ("none", "duplicated"): "duplicated",
    ("none", "unknown"): "unknown",
    ("partial", "partial"): "partial",
    ("partial", "complete"): "partial",
    ("partial", "duplicated"): "duplicated",
    ("partial", "unknown"): "partial",
    ("complete", "complete"): "complete",
    ("complete", "duplicated"): "duplicated",
    ("complete", "unknown"): "unknown",
    ("duplicated", "duplicated"): "duplicated",
    ("duplicated", "unknown"): "duplicated",
    ("unknown", "unknown"): "unknown",
}


def surface(kind, effect):
    return SurfaceEffect(Surface(name=kind, kind=SurfaceKind(kind)), Effect(effect))


@pytest.mark.parametrize(
    ("pair", "effect"), PAIRS.items(), ids=[" beside ".join(pair) for pair in PAIRS]
)
def test_what_two_surfaces_show_of_a_job(pair, effect):
    table, mail = surface("replace", pair[0]), surface("external", pair[1])
    assert combine([table, mail]) == effect
    assert combine([mail, table]) == effect


def test_every_pair_of_effects_is_in_the_table():
    assert {frozenset(pair) for pair in PAIRS} == {frozenset((a, b)) for a in WORDS for b in WORDS}


def test_complete_beside_none_is_partial_whatever_a_third_surface_shows():
    three = [surface("replace", "complete"), surface("append", "none")]
    assert combine([*three, surface("external", "unknown")]) is Effect.PARTIAL


def test_a_surface_without_effects_has_nothing_to_show_beside_one_that_has():
    log = surface("none", "unknown")
    assert combine([log, surface("append", "complete")]) is Effect.COMPLETE
    assert combine([log]) is Effect.UNKNOWN


def test_a_job_without_surfaces_shows_nothing():
    assert combine([]) is Effect.UNKNOWN


def test_the_job_is_complete_only_if_mail_that_no_check_covers_is_not_there(build):
    finding = findings(build.table_and_mail(), [build.answer("complete")])
    assert [each.effect for each in finding.surfaces] == ["complete", "unknown"]
    assert finding.effect is Effect.UNKNOWN


# What else is found.


def test_a_required_check_of_quality_that_is_violated_is_named(build):
    assert finding_of(build, {"scope": "complete", "totals": "violated"}).violated == ("totals",)


def test_a_check_of_effect_is_not_named_for_what_its_effect_and_keys_tell(build):
    assert finding_of(build, {"scope": "partial"}).violated == ()
    found = findings(job_of(build, {"scope"}), [build.answer("complete", "scope", unexpected=2)])
    assert (found.violated, found.unexpected) == ((), 2)


def test_a_check_of_effect_violated_over_a_complete_effect_violates_quality(build):
    over = build.answer("complete", "scope", result=Result.VIOLATED)
    assert findings(job_of(build, {"scope"}), [over]).violated == ("scope",)


@pytest.mark.parametrize("more", [{"required": False}, {"only_warns": True}])
def test_a_check_that_is_not_required_or_only_warns_changes_nothing(build, more):
    totals = build.check("totals", says_effect=False, **more)
    job = build.job(checks=(build.check(), totals))
    clean = findings(job, [build.answer("complete")])
    for word in ("violated", "unknown"):
        found = findings(job, [build.answer("complete"), build.answer(word, "totals")])
        assert found == clean


def test_a_required_check_that_could_not_be_asked_is_named_with_its_reason(build):
    found = finding_of(build, {"scope": "unknown", "totals": "not_asked", "once": "holds"})
    assert found.unknown == (("scope", "unreachable"), ("totals", "not_asked"))


def test_an_answer_of_unknown_without_a_reason_is_still_unknown(build):
    found = findings(job_of(build, {"scope"}), [build.answer("unknown", "scope", reason=None)])
    assert found.unknown == (("scope", "unknown"),)


@pytest.mark.parametrize(
    ("answers", "hold"),
    [
        ({"totals": "holds"}, True),
        ({"scope": "complete", "totals": "holds"}, True),
        ({"scope": "complete", "totals": "violated"}, False),
        ({"scope": "complete", "totals": "unknown"}, False),
        ({"scope": "complete", "totals": "not_asked"}, False),
        ({"optional": "complete"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_required_checks_hold_if_there_is_one_and_all_do(build, answers, hold):
    assert finding_of(build, answers).required_hold is hold


@pytest.mark.parametrize(
    ("answers", "harm"),
    [
        ({"scope": "complete"}, 0),
        ({"scope": "unknown"}, 0),
        ({"scope": "none"}, 1),
        ({"scope": "complete", "totals": "violated"}, 2),
        ({"scope": "none", "totals": "violated"}, 2),
        ({"scope": "partial", "totals": "violated"}, 3),
        ({"scope": "duplicated"}, 4),
    ],
    ids=str,
)
def test_an_answer_that_shows_any_harm_is_a_complaint(build, answers, harm):
    found = finding_of(build, answers)
    assert (found.harm, found.complaint) == (harm, harm > 0)


def test_keys_that_nobody_expected_are_a_complaint(build):
    found = findings(job_of(build, {"scope"}), [build.answer("complete", "scope", unexpected=1)])
    assert (found.harm, found.complaint) == (2, True)


def test_the_digest_changes_with_what_was_found_in_kind_and_not_with_counts(build):
    def digest(*said):
        return findings(job_of(build, ["scope", "totals"]), said).digest

    fewer = build.answer("partial", "scope", missing=3)
    more = build.answer("partial", "scope", missing=7)
    assert digest(fewer) == digest(more)
    kinds = [
        digest(fewer),
        digest(build.answer("complete", "scope")),
        digest(build.answer("complete", "scope", unexpected=1)),
        digest(build.answer("complete", "scope"), build.answer("violated", "totals")),
        digest(build.answer("none", "scope")),
    ]
    assert len(set(kinds)) == len(kinds)

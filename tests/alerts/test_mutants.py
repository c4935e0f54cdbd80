"""Each rule is broken in every mechanical way; some story must notice, or it tests nothing.

A mutant is tried first on the stories of its own alerts, in one deployment and in one of
several, a few at a time; only what survives there is tried on all stories.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from verifier.alerts.cases import all_cases
from verifier.alerts.inventory import Entry
from verifier.alerts.links import Links
from verifier.alerts.rulefile import rule_file
from verifier.alerts.scenario import Case, Figure, Replica, always, turning
from verifier.alerts.unittests import written
from verifier.catalogue.query import EVERYTHING, Scope

SEVERAL = Scope(selector=(("env", "prod"),), group_by=("cluster",))
SECONDS_LATER = 60
JOB = "daily-revenue"
EVER = "landed:ever_verified"
OF_JOB = {"job_name": JOB}
WAITS = (("for: 1m", "for: 2m"), ("for: 2m", "for: 3m"), ("for: 5m", "for: 6m"))


@dataclass(frozen=True)
class Mutant:
    """A whole rule file in which ``what`` was changed in one rule."""

    rule: str
    what: str
    text: str

    @property
    def change(self) -> tuple[str, str]:
        """The same change, wherever it stands in the rule."""
        return self.rule, self.what.split(" at ")[0]

    @property
    def is_of_scope(self) -> bool:
        """Whether it breaks what keeps deployments apart."""
        return self.what.startswith("'") and ("cluster" in self.what or "env=" in self.what)


def substitutions(expr: str) -> Iterator[tuple[str, str]]:
    """Every mutant of an expression that comes of one small change, with what was changed."""
    for pattern, replacement in (
        (r" > ", " < "),
        (r" > ", " >= "),
        (r"\bmax by", "min by"),
        (r"\bmax by", "sum by"),
        (r"\bsum by", "max by"),
        (r"\babs\(", "("),
        (r"\bunless\b", "and"),
        (r"\band\b", "unless"),
        (r"\bor\b", "unless"),
        (r"\bon \(\w+\)", "on ()"),
        (r"\bby \(job_name, lane\)", "by (job_name)"),
        (r"\bby \(job_name\)", "by ()"),
        (r"\bby \(cluster\)", "by ()"),
        (r"\b(on|by) \(cluster, ", r"\1 ("),
        (r"group_left \(severity\)", "group_left ()"),
        (r'"missing"', '"absent"'),
        (r'"ambiguous"', '"partial"'),
        (r'"duplicated"', '"partial"'),
        (r'"replaying_unknown"', '"at_large"'),
        (r'(\{|, )(verdict|condition)="\w+"', r"\1"),
        (r'env="prod"', 'env="test"'),
        (r"landed:(?!inventory)\w+\n  unless", "last_over_time(landed:x[15m])\n  unless"),
    ):
        for found in re.finditer(pattern, expr):
            changed = found.expand(replacement)
            if "last_over_time" in changed:
                changed = f"last_over_time({found[0].split()[0]}[15m])\n  unless"
            yield (
                f"{found[0]!r} -> {changed!r} at {found.start()}",
                expr[: found.start()] + changed + expr[found.end() :],
            )
    yield from shifted_numbers(expr)
    yield from dropped_clauses(expr)


def shifted_numbers(expr: str) -> Iterator[tuple[str, str]]:
    in_seconds = "time()" in expr
    for found in re.finditer(r"(?<= )\d+(?=\n|$| \+| \*)|(?<=\()\d+", expr):
        number = int(found[0])
        step = SECONDS_LATER if in_seconds and number != 5 else 1
        for other in {number + step, number - step} - ({-1} if not in_seconds else set()):
            yield (
                f"{number} -> {other} at {found.start()}",
                expr[: found.start()] + str(other) + expr[found.end() :],
            )


def dropped_clauses(expr: str) -> Iterator[tuple[str, str]]:
    lines = expr.split("\n")
    for number, line in enumerate(lines):
        if re.match(r" *(unless|and|\*|or) (on|absent)", line):
            yield f"without {line.strip()!r}", "\n".join(lines[:number] + lines[number + 1 :])
    for found in re.finditer(r"\n(or|unless on \([\w, ]+\))\n\(\n(  .*\n)+\)", expr):
        yield "without what follows " + found[1], expr[: found.start()] + expr[found.end() :]
    for found in re.finditer(r"^(.*\n)+?or( on \(\w*\))?\n", expr):
        yield "without what comes before or", expr[found.end() :]


def mutants(file: str) -> Iterator[Mutant]:
    """Of every rule but the inventory, each mutant as a whole file."""
    parts = chunks(file)
    for number, (name, rule) in enumerate(parts):
        if name not in ("", "landed:inventory"):
            before = "".join(text for _, text in parts[:number])
            after = "".join(text for _, text in parts[number + 1 :])
            for what, mutant in _of_rule(rule):
                yield Mutant(name, what, before + mutant + after)


def _of_rule(rule: str) -> Iterator[tuple[str, str]]:
    block = re.search(r"        expr: \|-\n((?:          .*\n)+)", rule)
    line = re.search(r"        expr: (?!\|)(.*)\n", rule)
    if block is not None:
        expr = re.sub(r"^ {10}", "", block[1], flags=re.M).rstrip("\n")
        found: re.Match[str] = block
    else:
        assert line is not None
        expr, found = line[1], line
    for what, mutant in substitutions(expr):
        indented = "\n".join(" " * 10 + each for each in mutant.split("\n"))
        yield (
            what,
            rule[: found.start()] + f"        expr: |-\n{indented}\n" + rule[found.end() :],
        )
    if "- alert:" in rule:
        yield from _of_alert(rule)


def _of_alert(rule: str) -> Iterator[tuple[str, str]]:
    for wait, longer in WAITS:
        if wait in rule:
            yield f"{wait} -> {longer}", rule.replace(wait, longer)
            yield f"without {wait}", rule.replace(f"        {wait}\n", "")
    if "for: " not in rule:
        yield (
            "for: 1m",
            rule.replace("        annotations:", "        for: 1m\n        annotations:"),
        )
    for severity in ("page", "none"):
        line = f'severity: "{severity}"'
        if line in rule:
            yield f"{line} -> ticket", rule.replace(line, 'severity: "ticket"')


def stories(scope: Scope) -> list[Case]:
    """All stories of one job of each severity; of several deployments, some more."""
    found = list(all_cases((JOB, "tenant-health")))
    return found if scope is EVERYTHING else [*_two_deployments(), *_a_day_later(), *found]


def _two_deployments() -> Iterator[Case]:
    """Whatever happens to one of them, the other, elsewhere, goes on."""
    elsewhere = Replica("b", labels={"cluster": "elsewhere"})
    beat = "Heartbeat@elsewhere"
    late = Figure("landed_job_useful_completion_due_timestamp_seconds", OF_JOB, always(0))
    last = "landed_job_last_useful_completion_timestamp_seconds"
    verdicts = ("missing", "ambiguous", "duplicated")
    trouble = (
        Figure(late.metric, OF_JOB, always(0), "a"),
        Figure(last, OF_JOB, always(1), "a"),
        *(_of_a("landed_runs_open", lane="live", verdict=verdict) for verdict in verdicts),
        _of_a("landed_run_conditions", condition="replaying_unknown"),
        _of_a("landed_false_successes_open"),
    )
    names = ("UsefulCompletionStale", "FalseSuccess", "ReplayOverUnknown")
    open_runs = ("RunMissing", "CompletionAmbiguous", "RunDuplicated")
    fires = tuple(f"{name} {JOB}" for name in (*names, *open_runs))
    yield Case(
        "one of two deployments is gone",
        trouble,
        (Replica("a", down=((10, 40),)), elsewhere),
        fires={
            9: (*fires, "Heartbeat", beat),
            12: (*fires, beat),
            14: (*fires, beat),
            15: (*fires, "VerifierAbsent", beat),
            23: (*fires, "VerifierAbsent", beat),
            24: ("VerifierAbsent", beat),
        },
        recorded={24: {late.metric.replace("landed_job_", "landed:"): None, EVER: None}},
    )
    yield Case(
        "never verified here, and verified elsewhere",
        (late, Figure(last, OF_JOB, always(1), "b")),
        (Replica("a"), elsewhere),
        fires={
            9: (
                f"NeverVerified {JOB}",
                f"UsefulCompletionStale {JOB}@elsewhere",
                "Heartbeat",
                beat,
            )
        },
    )
    contact = "landed_source_contact_due_timestamp_seconds"
    yield Case(
        "a source is silent here, and heard elsewhere",
        (
            Figure(contact, {"source": "cron"}, always(60), "a"),
            Figure(contact, {"source": "cron"}, always(6000), "b"),
        ),
        (Replica("a"), elsewhere),
        fires={9: ("SourceSilent cron", "Heartbeat", beat)},
    )
    offset = "landed_source_clock_offset_seconds"
    yield Case(
        "a clock is wrong here, and right elsewhere",
        (
            Figure(offset, {"source": "cron"}, always(60), "a"),
            Figure(offset, {"source": "cron"}, always(0), "b"),
        ),
        (Replica("a"), elsewhere),
        fires={9: ("ClockSkew cron", "Heartbeat", beat)},
    )
    yield Case(
        "a loop stands still here, and turns elsewhere",
        (
            Figure("landed_loop_interval_seconds", {"loop": "reload"}, always(1)),
            Figure("landed_last_evaluation_timestamp_seconds", {"loop": "reload"}, always(60), "a"),
            Figure("landed_last_evaluation_timestamp_seconds", {"loop": "reload"}, turning, "b"),
        ),
        (Replica("a"), elsewhere),
        fires={9: ("VerifierHung reload", beat)},
    )
    yield Case(
        "a slow loop elsewhere gives none here more time",
        (
            Figure("landed_loop_interval_seconds", {"loop": "reload"}, always(1), "a"),
            Figure("landed_loop_interval_seconds", {"loop": "reload"}, always(600), "b"),
            Figure("landed_last_evaluation_timestamp_seconds", {"loop": "reload"}, always(60)),
        ),
        (Replica("a"), elsewhere),
        fires={9: ("VerifierHung reload", beat)},
    )


def _a_day_later() -> Iterator[Case]:
    """A deployment that was last seen in minute 9 is missed for a day, and then forgotten."""
    elsewhere = Replica("b", labels={"cluster": "elsewhere"})
    beat = "Heartbeat@elsewhere"
    yield Case(
        "one of two deployments is forgotten a day later",
        replicas=(Replica("a", down=((10, 1450),)), elsewhere),
        fires={1448: ("VerifierAbsent", beat), 1449: (beat,)},
        minutes=1450,
    )


def _of_a(metric: str, **labels: str) -> Figure:
    return Figure(metric, {**OF_JOB, **labels}, always(1), "a")


AFFECTS = {
    "landed:useful_completion_due_timestamp_seconds": ("UsefulCompletionStale", "NeverVerified"),
    "landed:ever_verified": ("UsefulCompletionStale", "NeverVerified"),
    "landed:runs_missing": ("RunMissing",),
    "landed:runs_ambiguous": ("CompletionAmbiguous",),
    "landed:runs_duplicated": ("RunDuplicated",),
    "landed:false_successes_open": ("FalseSuccess",),
    "landed:replays_over_unknown": ("ReplayOverUnknown",),
    "landed:loop_interval_seconds": ("VerifierHung", "Heartbeat"),
    "landed:loop_hung": ("VerifierHung",),
    "landed:verifier_seen_timestamp_seconds": ("VerifierAbsent",),
}


CORE = {
    "landed:inventory",
    "landed:verifier_seen_timestamp_seconds",
    "landed:loop_interval_seconds",
    "landed:loop_hung",
    "LandedVerifierAbsent",
    "LandedVerifierHung",
    "LandedHeartbeat",
}
LATE = {"NeverVerified", "UsefulCompletionStale"}


def alerts_of(rule: str) -> set[str]:
    """The alerts that a rule affects; those about lateness belong together."""
    alerts = set(AFFECTS.get(rule, (rule.removeprefix("Landed"),)))
    return alerts | LATE if alerts & LATE else alerts


def stories_of(rule: str, cases: Sequence[Case]) -> list[Case]:
    """The stories about the alerts that a rule affects."""
    alerts = alerts_of(rule)

    def about(case: Case) -> bool:
        fired = {word.split(" ")[0] for words in case.fires.values() for word in words}
        of_jobs = {name.split("@")[0] for name in fired} - {"Heartbeat", "VerifierAbsent"}
        lateness = bool(LATE & alerts) and ("late" in case.title or "mute" in case.title)
        titled = lateness or any(name in case.title for name in alerts)
        return (bool(fired & alerts) and of_jobs <= alerts) or (titled and of_jobs <= alerts)

    return [case for case in cases if about(case)]


def chunks(file: str) -> list[tuple[str, str]]:
    """The rules of a file by name, each as its lines; first what stands above them."""
    parts = re.split(r"^(?=      - (?:record|alert): )", file, flags=re.M)
    return [("", parts[0]), *((re.split(r": |\n", each)[1], each) for each in parts[1:])]


def only(file: str, rule: str) -> str:
    """The file with the rules alone that the stories of ``rule`` need."""
    alerts = alerts_of(rule)
    needed = {*CORE, *(f"Landed{name}" for name in alerts)}
    needed |= {name for name, affected in AFFECTS.items() if alerts & set(affected)}
    return "".join(text for name, text in chunks(file) if not name or name in needed)


class Stories:
    """Stories in the order in which they are tried: those that noticed something come first."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self._cases = list(cases)

    def groups(self) -> Iterator[list[Case]]:
        """One, then three, then nine: most mutants are noticed by the first."""
        rest, size = list(self._cases), 1
        while rest:
            group, rest = rest[:size], rest[size:]
            size *= 3
            yield group

    def noticed_by(self, few: list[Case]) -> None:
        """A mutant was noticed by ``few``, and so may the next one of its kind be."""
        self._cases = few + [case for case in self._cases if case not in few]


@dataclass
class Bench:
    """Tries rule files on stories."""

    promtool: str
    folder: Path
    entries: tuple[Entry, ...]

    def accepts(self, rules: str, cases: Sequence[Case], scope: Scope) -> bool:
        return not self.noticing(rules, cases, scope)

    def noticing(self, rules: str, cases: Sequence[Case], scope: Scope) -> list[Case]:
        """The stories that do not come out as they must, each told in a file of its own."""
        (self.folder / "landed.rules.yml").write_text(rules)
        files = [f"{number}.yml" for number in range(len(cases))]
        for file, case in zip(files, cases, strict=True):
            (self.folder / file).write_text(written([case], self.entries, scope))
        done = subprocess.run(
            [self.promtool, "test", "rules", *files],
            cwd=self.folder,
            # It lives for a second; and what runs beside these tests needs a core, too.
            env={**os.environ, "GOGC": "off", "GOMAXPROCS": "1"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        told = done.stdout.split("Unit Testing:")[1:]
        found = [case for case, said in zip(cases, told, strict=True) if "SUCCESS" not in said]
        assert bool(found) is (done.returncode != 0)
        return found

    def survives(self, rules: str, stories: Stories, scope: Scope) -> bool:
        for group in stories.groups():
            if few := self.noticing(rules, group, scope):
                stories.noticed_by(few)
                return False
        return True

    def survivors(self, found: Sequence[Mutant]) -> list[Mutant]:
        """Those that the stories of their own alerts do not notice."""
        every = stories(EVERYTHING)
        of_rule = {each.rule: Stories(stories_of(each.rule, every)) for each in found}
        return [
            each
            for each in found
            if self.survives(only(each.text, each.rule), of_rule[each.rule], EVERYTHING)
        ]

    def survivors_of_all(self, found: Iterable[Mutant], scope: Scope) -> list[Mutant]:
        """Those that no story notices."""
        every = Stories(stories(scope))
        return [each for each in found if self.survives(each.text, every, scope)]

    def survivors_of_several(self, found: Iterable[Mutant]) -> list[Mutant]:
        """Those that nothing that happens between deployments notices."""
        between, later = Stories(_two_deployments()), list(_a_day_later())
        alive = [each for each in found if self.survives(each.text, between, SEVERAL)]
        return [each for each in alive if self.accepts(each.text, later, SEVERAL)]


@pytest.fixture
def bench(prometheus_tools: Any, tmp_path: Path, entries: tuple[Entry, ...]) -> Bench:
    # The fewer jobs, the sooner a mutant is through.
    two = tuple(each for each in entries if each.job in (JOB, "tenant-health"))
    return Bench(prometheus_tools.promtool, tmp_path, two)


@pytest.mark.slow
def test_the_rules_of_several_deployments_keep_them_apart(bench: Bench, links: Links) -> None:
    assert bench.accepts(rule_file(bench.entries, links, SEVERAL), stories(SEVERAL), SEVERAL)


@pytest.mark.slow
def test_no_mutant_of_a_rule_survives(
    bench: Bench, links: Links, capsys: pytest.CaptureFixture[str]
) -> None:
    one = list(mutants(rule_file(bench.entries, links)))
    several = list(mutants(rule_file(bench.entries, links, SEVERAL)))
    alive = bench.survivors(one)
    # How long a deployment is remembered shows only where there are several of them.
    same = {each.change for each in alive}
    there = [each for each in several if each.is_of_scope or each.change in same]
    alive_there = bench.survivors_of_several(there)
    died_there = {each.change for each in there} - {each.change for each in alive_there}
    alive = [each for each in alive if each.change not in died_there]
    # Only for what is left all stories are told: they take long.
    alive = bench.survivors_of_all(alive, EVERYTHING)
    same = {each.change for each in alive}
    alive_there = [each for each in alive_there if each.is_of_scope or each.change in same]
    alive_there = bench.survivors_of_all(alive_there, SEVERAL)
    died_there = {each.change for each in there} - {each.change for each in alive_there}
    alive = [each for each in alive if each.change not in died_there]
    count = len(one) + len(there)
    with capsys.disabled():
        print(f"\n{count} mutants, {len(alive) + len(alive_there)} survived")  # noqa: T201
    assert [f"{each.rule}: {each.what}" for each in (*alive, *alive_there)] == []
    assert count > 200

"""Each rule is broken in every mechanical way; some story must notice, or it tests nothing.

A mutant is tried first on the stories of its own alerts, in one deployment and in one of
several; only what survives there is tried on all stories.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from verifier.alerts.cases import all_cases
from verifier.alerts.inventory import Entry
from verifier.alerts.links import Links
from verifier.alerts.rulefile import ALERTS, rule_file
from verifier.alerts.scenario import LOOPS, Case, Replica
from verifier.alerts.unittests import written
from verifier.catalogue.query import EVERYTHING, Scope

SEVERAL = Scope(selector=(("env", "prod"),), group_by=("cluster",))
SECONDS_LATER = 60
WAITS = (("for: 1m", "for: 2m"), ("for: 2m", "for: 3m"), ("for: 5m", "for: 6m"))


@dataclass(frozen=True)
class Mutant:
    rule: str
    what: str
    text: str


def substitutions(expr: str) -> Iterator[tuple[str, str]]:
    """Every mutant of an expression that comes of one small change, with what was changed."""
    for pattern, replacement in (
        (r" > ", " < "),
        (r" > ", " >= "),
        (r"\bmax by", "min by"),
        (r"\bmax by", "sum by"),
        (r"\bsum by", "max by"),
        (r"\bunless\b", "and"),
        (r"\band\b", "unless"),
        (r"\bor\b", "unless"),
        (r"\bon \(\w+\)", "on ()"),
        (r"\bon \(cluster\)", "on ()"),
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
    for found in re.finditer(r"^(.*\n)+?or\n", expr):
        yield "without what comes before or", expr[found.end() :]


def mutants(file: str) -> Iterator[Mutant]:
    """Of every rule but the inventory, each mutant as a whole file."""
    starts = [found.start() for found in re.finditer(r"^      - (record|alert): ", file, re.M)]
    for start, end in zip(starts, [*starts[1:], len(file)], strict=True):
        rule = file[start:end]
        name = rule.split("\n")[0].split(": ")[1]
        if name == "landed:inventory":
            continue
        for what, mutant in _of_rule(rule):
            yield Mutant(name, what, file[:start] + mutant + file[end:])


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
        yield "for: 1m", rule.replace("        annotations:", "        for: 1m\n        annotations:")
    for severity in ("page", "none"):
        line = f'severity: "{severity}"'
        if line in rule:
            yield f"{line} -> ticket", rule.replace(line, 'severity: "ticket"')


def stories(scope: Scope) -> list[Case]:
    """All stories of one job of each severity; of several deployments, one more."""
    found = list(all_cases(("daily-revenue", "tenant-health")))
    if scope is not EVERYTHING:
        found.append(_one_of_two_deployments())
    return found


def _one_of_two_deployments() -> Case:
    """One ends at minute 10, and is forgotten a day later; the other, elsewhere, lives on."""
    elsewhere = {"cluster": "elsewhere"}
    gone = 10
    return Case(
        "one of two deployments is gone",
        replicas=(
            Replica("a", down=((gone, 1500),)),
            Replica("b", labels=elsewhere),
        ),
        fires={
            9: ("Heartbeat", "Heartbeat@elsewhere"),
            14: ("Heartbeat@elsewhere",),
            15: ("VerifierAbsent", "Heartbeat@elsewhere"),
            gone + 1438: ("VerifierAbsent", "Heartbeat@elsewhere"),
            gone + 1439: ("Heartbeat@elsewhere",),
        },
        minutes=1460,
        loops=LOOPS,
    )


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


def of_rule(rule: str, cases: Sequence[Case]) -> list[Case]:
    """The stories in which the alerts fire that a rule affects, and those about them."""
    alerts = AFFECTS.get(rule, (rule.removeprefix("Landed"),))
    related = {"NeverVerified", "UsefulCompletionStale"}
    names = set(alerts) | (related if related & set(alerts) else set())

    def about(case: Case) -> bool:
        fired = {word.split(" ")[0] for words in case.fires.values() for word in words}
        titled = any(name in case.title for name in names)
        stale = bool(related & names) and "stale" in case.title or "mute" in case.title
        return bool(fired & names) or titled or stale

    return [case for case in cases if about(case)]


@dataclass
class Bench:
    """Tries rule files on stories."""

    promtool: str
    folder: Path
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        self._tests = cache(self._write)

    def _write(self, rule: str, scope: Scope) -> str:
        cases = stories(scope)
        chosen = of_rule(rule, cases) if rule else cases
        return written(chosen or cases, self.entries, scope)

    def accepts(self, rules: str, rule: str, scope: Scope) -> bool:
        (self.folder / "landed.rules.yml").write_text(rules)
        (self.folder / "landed.tests.yml").write_text(self._tests(rule, scope))
        done = subprocess.run(
            [self.promtool, "test", "rules", "landed.tests.yml"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
        )
        return done.returncode == 0

    def survivors(self, found: Iterable[Mutant], scope: Scope) -> list[Mutant]:
        alive = [each for each in found if self.accepts(each.text, each.rule, scope)]
        return [each for each in alive if self.accepts(each.text, "", scope)]


@pytest.fixture
def bench(prometheus_tools: Any, tmp_path: Path, entries: tuple[Entry, ...]) -> Bench:
    return Bench(prometheus_tools.promtool, tmp_path, entries)


@pytest.mark.slow
def test_the_rules_of_several_deployments_keep_them_apart(bench: Bench, links: Links) -> None:
    assert bench.accepts(rule_file(bench.entries, links, SEVERAL), "", SEVERAL)


@pytest.mark.slow
def test_no_mutant_of_a_rule_survives(
    bench: Bench, links: Links, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    one = list(mutants(rule_file(bench.entries, links)))
    several = {
        (each.rule, each.what.split(" at ")[0]): each
        for each in mutants(rule_file(bench.entries, links, SEVERAL))
    }
    alive = bench.survivors(one, EVERYTHING)
    # What makes no difference in a Prometheus with one deployment must in one with several.
    only_there = [each for each in several.values() if _is_of_scope(each)]
    alive_there = bench.survivors(only_there, SEVERAL)
    alive = [each for each in alive if not _dies_there(each, bench, links)]
    count = len(one) + len(only_there)
    record_property("mutants", count)
    with capsys.disabled():
        print(f"\n{count} mutants of {len(ALERTS)} alerts and their recordings, "  # noqa: T201
              f"{len(alive) + len(alive_there)} survived")
    told = [f"{each.rule}: {each.what}" for each in (*alive, *alive_there)]
    assert told == []
    assert count > 200

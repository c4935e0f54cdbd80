"""A Run document as a story for a person: what happened, what is true, what to do."""

from collections.abc import Iterator, Mapping
from decimal import Context
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from verifier.cli.tables import bullets, facts_grid, reported_text
from verifier.cli.text import next_text, plain, seconds, styled, verdict_text
from verifier.runs.instant import parse_instant
from verifier.runs.occurrence import UNLISTED
from verifier.runs.verdict import Verdict

Document = Mapping[str, Any]

_SAMPLE = 8
_OPEN = frozenset({UNLISTED, *(str(each) for each in Verdict if not each.closed)})
_MOST_DECIMALS = 9
"""Decimals that somebody may have meant; a sum of binary fractions has more."""

_DOUBLE = Context(prec=15)

_OUTPUT = 200
"""Keys of a sample that are told; the document has them all."""


def story(run: Document) -> Iterator[RenderableType]:
    """The parts of the story, to be written one after the other."""
    yield Text(plain(run["run"]), style="bold")
    yield _headline(run)
    yield Text("do next: ").append_text(next_text(run["advice"]["action"], run["verdict"]))
    yield ""
    yield facts_grid(_facts(run))
    yield from _section("Why", [("-", plain(each)) for each in run["advice"]["because"]])
    yield from _section("Attempts", [_attempt(each) for each in run["attempts"]])
    yield from _section("What the destination shows", [_check(each) for each in run["checks"]])
    yield from _section("Partitions", list(_partitions(run)))
    yield from _section("Conditions", [_condition(each) for each in run["conditions"]])
    yield from _section("What happened to it", _history(run))


def _headline(run: Document) -> Text:
    parts = [verdict_text(run), Text("reported ").append_text(reported_text(run))]
    if run["false_success"]:
        parts.append(Text("a false success", style="bold red"))
    if run["provisional"]:
        parts.append(Text("provisional: somebody may still write", style="yellow"))
    return Text(", ").join(parts)


def _facts(run: Document) -> Iterator[tuple[str, str | Text]]:
    yield "run id", plain(run["run_id"])
    if run["statement"]:
        yield "promise", plain(run["statement"])
    if run["interval"]:
        yield "covers", f"{run['interval']['start']} to {run['interval']['end']}"
    if run["declaration"]["valid_from"]:
        yield "declared", _declared(run["declaration"])
    yield "lane", plain(run["lane"])
    yield "effect", _effect(run)
    if len(run["surfaces"]) > 1:
        for each in run["surfaces"]:
            yield "", f"{plain(each['name'])} ({plain(each['kind'])}): {plain(each['effect'])}"
    if run["chain_broke_at"]:
        yield "broke at", plain(run["chain_broke_at"])
    if run["judged_at"]:
        yield "judged", seconds(run["judged_at"])
    if run["advice"]["valid_until"]:
        yield "holds until", seconds(run["advice"]["valid_until"])
    if run["owner"]:
        yield "owner", plain(run["owner"])
    if run["runbook"]:
        yield "runbook", plain(run["runbook"])


def _declared(declaration: Document) -> str:
    """Since when that is valid by which the run is judged, and what it is not judged by."""
    told = f"as of {seconds(declaration['valid_from'])}"
    if declaration["corrected_at"] is None:
        return told
    corrected = seconds(declaration["corrected_at"])
    return f"{told}; the checks were changed at {corrected}, and do not count for this run"


def _effect(run: Document) -> str:
    effect, now = plain(run["effect"]), plain(run["effect_now"])
    return effect if effect == now else f"{effect} when judged, {now} when last seen"


def _section(title: str, lines: list[tuple[str | Text, str | Text]]) -> Iterator[RenderableType]:
    if lines:
        yield Group("", Text(title, style="bold"), bullets(lines))


def _attempt(attempt: Document) -> tuple[Text, str]:
    told = [plain(attempt["lane"])]
    for word, key in (
        ("claimed", "claimed_at"),
        ("started", "started_at"),
        ("last heard", "heartbeat_at"),
        ("ended", "ended_at"),
    ):
        if attempt[key] and not (key == "heartbeat_at" and attempt["ended_at"]):
            told.append(f"{word} {seconds(attempt[key])}")
    if attempt["progress"]:
        told.append(_progress(attempt["progress"]))
    if attempt["exit_code"] is not None:
        told.append(f"exit code {attempt['exit_code']}")
    if attempt["end_proof"]:
        told.append(f"proof of its end: {plain(attempt['end_proof'])}")
    if attempt["worker"]:
        told.append(f"on {plain(attempt['worker'])}")
    if attempt["reason"]:
        told.append(plain(attempt["reason"]))
    if attempt["ends_disagree"]:
        told.append("its ends disagree")
    if attempt["output"] and attempt["output"].strip():
        told.append(f"its output ended: {plain(attempt['output'].strip()[-_OUTPUT:])}")
    return styled(attempt["state"]), f"{plain(attempt['attempt'])}: {', '.join(told)}"


def _progress(progress: Document) -> str:
    done, total, checkpoint = progress["done"], progress["total"], progress["checkpoint"]
    said = "progress" if done is None else f"progress {done:g}"
    if total is not None:
        said += f" of {total:g}"
    return said if checkpoint is None else f"{said}, checkpoint {plain(checkpoint)}"


def _check(check: Document) -> tuple[Text, str]:
    told = [plain(check["summary"]).removeprefix("check "), *_evidence(check["evidence"])]
    if not check["required"]:
        told.append("not required")
    if check["evaluated_at"]:
        told.append(f"asked {seconds(check['evaluated_at'])}")
    return styled(check["result"]), ", ".join(told)


def _evidence(evidence: Document) -> Iterator[str]:
    """What the counts leave out: totals, and the first keys of each sample."""
    if evidence.get("detail"):
        yield plain(evidence["detail"])
    wrong = evidence.get("wrong")
    if isinstance(wrong, list) and wrong:
        where = f"{plain(evidence['path'])}: " if evidence.get("path") else ""
        yield where + "; ".join(map(plain, wrong))
    for word, value in _values(evidence).items():
        yield f"{word} {plain(value)}"
    samples = evidence.get("sample")
    for word, keys in samples.items() if isinstance(samples, dict) else ():
        if isinstance(keys, list) and keys:
            shown = ", ".join(_key(key) for key in keys[:_SAMPLE])
            yield f"{plain(word)} keys: {shown}{' …' if len(keys) > _SAMPLE else ''}"


def _values(evidence: Document) -> dict[str, object]:
    """The two numbers that were compared, without the noise of binary floating point.

    With it where they differ in nothing else. The document has them as they are.
    """
    sides = {word: evidence.get(word) for word in ("left", "right")}
    values: dict[str, object] = {
        word: side["value"]
        for word, side in sides.items()
        if isinstance(side, dict) and "value" in side
    }
    quiet: dict[str, object] = {word: _without_noise(str(value)) for word, value in values.items()}
    return quiet if len(set(quiet.values())) == len(set(values.values())) else values


def _without_noise(number: str) -> str:
    """``number`` to 15 digits, which is what a double holds, where a sum of doubles left more."""
    _, _, fraction = number.partition(".")
    if len(fraction) <= _MOST_DECIMALS or not fraction.isdigit():
        return number
    return f"{_DOUBLE.create_decimal(number).normalize():f}"


def _key(key: object) -> str:
    if key is None:
        return "NULL"
    if isinstance(key, dict):
        return f"{_key(key.get('key'))} ({plain(key.get('count'))} rows)"
    if isinstance(key, list):
        return "/".join(_key(part) for part in key)
    return plain(key)


def _partitions(run: Document) -> Iterator[tuple[Text | str, str]]:
    """How many have which verdict, and the gravest few that somebody should look at."""
    told = run.get("occurrence")
    if not told or not told["counts"]:
        return
    counts = told["counts"]
    yield "-", ", ".join(f"{number} {plain(word)}" for word, number in counts.items())
    for each in told["gravest"]:
        yield styled(each["verdict"]), plain(each["partition"])
    unnamed = sum(number for word, number in counts.items() if word in _OPEN) - len(told["gravest"])
    if unnamed > 0:
        yield "-", f"and {unnamed} more"


def _condition(condition: Document) -> tuple[str, str]:
    until = f" until {seconds(condition['until'])}" if condition["until"] else ""
    return "-", f"{plain(condition['condition'])} since {seconds(condition['since'])}{until}"


def _history(run: Document) -> list[tuple[str | Text, str | Text]]:
    """Revisions, decisions of the guard and actions of people, in order of time."""
    told = [
        *((each["at"], action_sentence(each)) for each in run["actions"]),
        *((each["at"], _guard_sentence(each)) for each in run["guard"]),
        *((each["at"], _revision_sentence(each)) for each in run["revisions"]),
    ]
    told.sort(key=lambda each: parse_instant(each[0]))
    return [(seconds(at), text) for at, text in told]


def _revision_sentence(revision: Document) -> str:
    return f"{revision['from'] or 'open'} became {revision['to'] or 'open'}"


def _guard_sentence(decision: Document) -> str:
    by = decision["override_by"]
    override = f" (overridden by {plain(by)})" if by else ""
    attempt, why = plain(decision["attempt"]), plain(decision["why"])
    return f"guard: {plain(decision['decision'])} {attempt}{override}: {why}"


def action_sentence(action: Document) -> str:
    """An operator's action: what, who and why."""
    until = f" until {seconds(action['until'])}" if action["until"] else ""
    attempt = f" {plain(action['attempt'])}" if action["attempt"] else ""
    return (
        f"{plain(action['action'])}{attempt}{until} by {plain(action['by'])}: "
        f"{plain(action['reason'])}"
    )

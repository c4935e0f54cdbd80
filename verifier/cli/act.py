"""``landed act``: what an operator does, with who and why."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from verifier.cli.client import Client, Deed
from verifier.cli.connect import connect
from verifier.cli.exits import CommandFailed
from verifier.cli.options import ConfigOption, JsonOption, LedgerOption, TokenOption, UrlOption
from verifier.cli.output import note, show, show_json, show_lines
from verifier.cli.run_story import action_sentence
from verifier.cli.text import plain, seconds
from verifier.cli.when import parse_moment
from verifier.cli.where import Where
from verifier.engine.actions import ON_RUNS
from verifier.runs.action import ActionKind

_ASKERS = "attempts that ask it, as under `landed exec --guard`"


class Act(StrEnum):
    """What can be done here, with what of it is only recorded, and what is enforced."""

    recorded: str
    enforced: str

    def __new__(cls, word: str, recorded: str, enforced: str) -> "Act":
        """The member for ``word``."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.recorded = recorded
        member.enforced = enforced
        return member

    FENCE = (
        "fence",
        "the attempt counts as dead, and no longer as one that may still write",
        "nothing: if its process lives, it can still write; kill it first",
    )
    SKIP = (
        "skip",
        "the run is excused, unless a later attempt of it starts",
        f"the guard skips further {_ASKERS}",
    )
    RECONCILE = (
        "reconcile",
        "the run is closed as repaired by hand, unless a later attempt or other evidence comes",
        f"the guard skips further {_ASKERS}",
    )
    REJUDGE = (
        "rejudge",
        "the run is judged by what is declared now, whatever was declared at its time, and "
        "asked again; earlier answers are kept, and count no more",
        "nothing; `landed verify` asks at once",
    )
    HOLD = (
        "hold",
        "the job is on hold",
        f"the guard refuses new {_ASKERS}; nothing else is stopped",
    )
    RELEASE = (
        "release",
        "the hold is over",
        "the guard decides again by what it finds",
    )
    MUTE = (
        "mute",
        "a run that falls due until then and does not come is excused, not missing",
        "nothing: no job is stopped, and damage is told all the same",
    )
    UNMUTE = (
        "unmute",
        "runs are expected again from now on",
        "nothing",
    )


def act(
    kind: Annotated[Act, typer.Argument(metavar="ACTION", show_default=False)],
    target: Annotated[
        str,
        typer.Argument(
            metavar="RUN|JOB",
            help="fence, skip, reconcile and rejudge act on a run, the others on a job.",
            show_default=False,
        ),
    ],
    by: Annotated[str, typer.Option("--by", metavar="WHO", help="Who does it.")],
    reason: Annotated[str, typer.Option("--reason", metavar="WHY", help="Why.")],
    attempt: Annotated[
        str | None,
        typer.Option(metavar="ID", help="fence: the attempt that is dead.", show_default=False),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="T", help="mute: the instant at which it ends.", show_default=False),
    ] = None,
    counts_as_useful: Annotated[
        bool,
        typer.Option(
            "--counts-as-useful", help="reconcile: the result is as good as a verified one."
        ),
    ] = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Act on a run or a job: fence, skip, reconcile, rejudge, hold, release, mute, unmute."""
    _check_belongs("--attempt", attempt is not None, kind is Act.FENCE, needed=True)
    _check_belongs("--until", until is not None, kind is Act.MUTE, needed=True)
    _check_belongs("--counts-as-useful", counts_as_useful, kind is Act.RECONCILE)
    on_run = ActionKind(kind) in ON_RUNS
    deed = Deed(
        kind=ActionKind(kind),
        by=by,
        reason=reason,
        job=None if on_run else target,
        run=target if on_run else None,
        attempt=attempt,
        until=parse_moment("--until", until),
        counts_as_useful=counts_as_useful,
    )
    with connect(Where(config=config, ledger=ledger, url=url, token=token)) as client:
        against = _evidence_against(client, deed)
        action: dict[str, Any] = client.act(deed)
    if against is not None:
        note(against)
    if as_json:
        show_json(action)
        return
    show_lines(f"{plain(target)}: {action_sentence(action)}")
    show(f"recorded: {kind.recorded}")
    show(f"enforced: {kind.enforced}")


def _evidence_against(client: Client, deed: Deed) -> str | None:
    """What the destination showed that speaks against closing a run, in a sentence."""
    if deed.kind not in (ActionKind.RECONCILE, ActionKind.SKIP) or deed.run is None:
        return None
    run = client.run(deed.run)
    shown = run["effect_now"]
    if shown in ("complete", "unknown"):
        return None
    asked = max((each["evaluated_at"] or "" for each in run["checks"]), default="")
    when = f", at {seconds(asked)}" if asked else ""
    return (
        f"note: the destination showed {shown}{when}; the run is closed all the same, on your word"
    )


def _check_belongs(option: str, given: bool, belongs: bool, *, needed: bool = False) -> None:
    if given and not belongs:
        raise CommandFailed(f"expected no {option} with this action")
    if needed and belongs and not given:
        raise CommandFailed(f"expected {option} with this action, found none")

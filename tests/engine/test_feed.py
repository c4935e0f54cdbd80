"""How far a source was heard, and what that means for the runs of its jobs."""

from datetime import UTC, datetime, timedelta
from threading import Event

import msgspec
import pytest

from verifier.config.source import BindingModel
from verifier.engine.feed import SourceFeed
from verifier.exporters.meters import Meters
from verifier.intake.receipt import RejectCode
from verifier.ledger.ledger import Ledger
from verifier.ledger.windows import BlindWindow
from verifier.runs.binding import RunKey
from verifier.runs.declaration import Cron, Declaration, Surface, SurfaceKind
from verifier.runs.signal import Kind, Signal
from verifier.runs.standing import standing
from verifier.signals.source import BoundJob

DAY = datetime(2026, 4, 3, tzinfo=UTC)
WITHIN = timedelta(seconds=15)


def at(text):
    hours, minutes, seconds = [*map(int, text.split(":")), 0][:3]
    return DAY + timedelta(hours=hours, minutes=minutes, seconds=seconds)


NIGHT = RunKey("nightly", "2026-04-03T02:00:00Z")


class World:
    """A ledger with a job that ``cron`` tells of, one that reports by itself, and a clock."""

    def __init__(self, url):
        self.now = at("01:00")
        self.ledger = Ledger.open(url, self.now)
        for name, source in (("nightly", "cron"), ("own", None)):
            declaration = Declaration(
                job=name,
                schedule=Cron(expression="0 2 * * *"),
                source=source,
                surfaces=(Surface(name="table", kind=SurfaceKind.NONE),),
                finish_within=timedelta(minutes=45),
                verified_within=timedelta(hours=2),
                zombie_grace=timedelta(minutes=90),
            )
            self.ledger.declare(name, declaration, {}, self.now)
        self.meters = Meters()
        self.stopping = Event()
        self.feed = self.open()

    def open(self):
        history = self.ledger.histories()["nightly"]
        job = BoundJob(name="nightly", binding=BindingModel(source="cron"), history=history)
        self.feed = SourceFeed(
            self.ledger,
            "cron",
            [job],
            WITHIN,
            clock=lambda: self.now,
            stopping=self.stopping,
            watch=self.meters,
        )
        return self.feed

    def hear(self, when):
        """The present is ``when``, and all up to it was heard."""
        self.now = at(when)
        self.feed.heard(self.now)

    def pass_to(self, when):
        self.now = at(when)
        self.feed.look(self.now)

    def stand(self, key=NIGHT):
        return standing(self.ledger.facts(key, self.now), self.now)

    def say(self, kind, when, attempt="a1", **more):
        return Signal(
            job="nightly", kind=Kind(kind), at=at(when), id=f"{attempt}/{kind}", attempt=attempt
        )

    def expect(self):
        self.ledger.expect_all({"nightly": [at("02:00")], "own": [at("02:00")]}, at("02:00"))

    def judge(self):
        """Judge what is awake now, as a tick would; the runs that were."""
        keys = self.ledger.awake(self.now, 10)
        self.ledger.judge(keys, self.now)
        return keys


@pytest.fixture
def world(ledger_url):
    made = World(ledger_url)
    yield made
    made.ledger.close()


def test_what_is_handed_in_is_durable_with_its_cursor(world):
    world.now = at("02:01")
    receipt = world.feed.take(
        [world.say("started", "02:00")], cursor="line 7", heard_until=at("02:01")
    )
    assert (receipt.accepted, receipt.duplicates) == (1, 0)
    again = world.open()
    assert (again.cursor, again.heard_until) == ("line 7", at("02:01"))
    assert again.take([world.say("started", "02:00")]).duplicates == 1
    assert [each.attempt for each in world.ledger.attempts(NIGHT)] == ["a1"]


def test_a_cursor_alone_is_kept_too(world):
    world.feed.take([], cursor="line 9", heard_until=at("01:00"))
    assert world.open().cursor == "line 9"


def test_many_signals_are_taken_in_pieces_and_the_cursor_comes_with_the_last(world):
    many = [world.say("started", "02:00", f"a{number}") for number in range(4_500)]
    assert world.feed.take(many, cursor="end").accepted == 4_500
    assert world.open().cursor == "end"


def test_a_bad_signal_is_counted_and_keeps_no_other_out(world):
    bad = msgspec.structs.replace(world.say("started", "02:00", "b"), job="stranger")
    receipt = world.feed.take([bad, world.say("started", "02:00")])
    assert receipt.accepted == 1
    rows = world.meters.rows()["landed_signals_rejected_total"]
    assert {row.labels: row.value for row in rows}[("cron", RejectCode.UNKNOWN_JOB)] == 1


def test_what_the_source_keeps_out_is_counted_by_reason(world):
    world.feed.refuse(RejectCode.UNREADABLE, 3, "half a line")
    rows = world.meters.rows()["landed_signals_rejected_total"]
    assert {row.labels: row.value for row in rows}[("cron", RejectCode.UNREADABLE)] == 3


def test_hearing_never_moves_back(world):
    world.hear("01:10")
    world.now = at("01:10:10")
    world.feed.heard(at("01:05"))
    world.feed.take([], cursor="1", heard_until=at("01:06"))
    assert world.feed.heard_until == at("01:10")
    assert world.ledger.sources()["cron"].heard_until == at("01:10")


def test_a_run_is_missing_only_once_its_source_was_heard_beyond_its_last_moment(world):
    world.hear("02:04:58")
    world.expect()
    world.now = at("02:05")
    world.judge()
    assert world.stand().verdict is None
    assert world.ledger.row(NIGHT).wake_at == at("02:05:13")
    world.hear("02:05:08")
    world.now = at("02:05:13")
    assert NIGHT in world.judge()
    assert world.ledger.row(NIGHT).verdict == "missing"


def test_a_start_that_is_read_late_was_never_a_miss(world):
    world.hear("02:04:58")
    world.expect()
    world.now = at("02:05:09")
    world.judge()
    world.feed.take([world.say("started", "02:04:59")], cursor="1", heard_until=world.now)
    assert world.stand().state == "running"
    assert world.ledger.revisions(NIGHT) == []


def test_a_job_that_reports_by_itself_does_not_wait_for_the_source_of_another(world):
    world.expect()
    world.now = at("02:05")
    world.judge()
    assert world.ledger.row(RunKey("own", NIGHT.occurrence)).verdict == "missing"
    assert world.ledger.row(NIGHT).verdict is None


def test_while_a_source_is_silent_nobody_is_missing_and_nobody_is_woken(world):
    world.hear("01:59")
    world.expect()
    world.pass_to("02:30")
    assert NIGHT in world.judge()
    world.pass_to("04:00")
    assert NIGHT not in world.judge()
    assert world.stand().verdict is None
    assert [each.condition for each in world.stand().conditions] == []
    assert world.ledger.windows("cron") == [BlindWindow("cron", at("01:59"), None, None)]


def test_once_a_source_has_caught_up_its_silence_counts(world):
    world.hear("01:59")
    world.expect()
    world.pass_to("04:00")
    world.judge()
    world.hear("04:00:01")
    window = BlindWindow("cron", at("01:59"), at("04:00:01"), at("04:00:01"))
    assert world.ledger.windows("cron") == [window]
    assert NIGHT in world.judge()
    assert world.ledger.row(NIGHT).verdict == "missing"


def test_a_source_that_reads_up_old_news_is_still_blind(world):
    world.hear("01:59")
    world.pass_to("04:00")
    world.feed.take([world.say("started", "02:00")], cursor="1", heard_until=at("02:30"))
    assert world.ledger.windows("cron")[0].until is None
    world.feed.take([], cursor="2", heard_until=at("03:59:50"))
    assert world.ledger.windows("cron")[0].until == at("03:59:50")


def test_what_is_read_up_wakes_nobody_before_anything_is_heard_further(world):
    world.hear("01:59")
    world.expect()
    world.pass_to("04:00")
    world.judge()
    world.feed.take([], cursor="1")
    assert world.ledger.row(NIGHT).wake_at is None
    world.feed.take([], cursor="2", heard_until=at("04:00"))
    assert world.ledger.row(NIGHT).wake_at is not None


def test_contact_that_was_lost_for_a_moment_wakes_who_waited_for_it(world):
    world.hear("02:04:45")
    world.expect()
    world.now = at("02:05:01")  # due again at 02:05:00, and nobody has looked yet
    world.judge()
    assert world.ledger.row(NIGHT).wake_at is None
    world.hear("02:05:02")
    assert NIGHT in world.judge()
    assert world.ledger.row(NIGHT).verdict == "missing"


def test_what_is_lost_for_good_is_never_called_missing(world):
    world.hear("01:59")
    world.expect()
    world.pass_to("02:30")
    world.feed.lost(at("01:59"), at("02:30"))
    world.hear("02:30")
    world.judge()
    world.pass_to("02:30:10")
    assert world.ledger.windows("cron") == [BlindWindow("cron", at("01:59"), at("02:30"), None)]
    assert world.ledger.facts(NIGHT, world.now).deaf
    assert world.ledger.row(NIGHT).verdict is None


def test_after_a_restart_the_time_away_is_blind_until_it_was_read_up(world):
    world.hear("01:59")
    world.expect()
    world.now = at("02:30")
    world.open()
    world.pass_to("02:30")
    assert world.ledger.windows("cron") == [BlindWindow("cron", at("01:59"), None, None)]
    world.open()  # and again, before anything was heard
    world.hear("02:31")
    assert [each.until for each in world.ledger.windows("cron")] == [at("02:31")]


def test_an_attempt_is_not_lost_while_its_source_is_silent(world):
    world.now = at("02:01")
    world.feed.take([world.say("started", "02:00")], cursor="1", heard_until=world.now)
    world.pass_to("05:00")
    world.judge()
    assert world.stand().reported == "running"
    assert world.ledger.row(NIGHT).wake_at is None
    assert [each.condition for each in world.stand().conditions] == []
    world.hear("05:00:01")
    assert NIGHT in world.ledger.awake(world.now, 10)
    assert [each.condition for each in world.stand().conditions] == ["overdue"]


def test_trouble_is_kept_with_its_beginning_until_the_source_is_heard(world):
    world.feed.trouble("connection refused")
    world.now = at("01:05")
    world.feed.trouble("password refused")
    state = world.ledger.sources()["cron"]
    assert (state.trouble, state.trouble_since) == ("password refused", at("01:00"))
    world.hear("01:06")
    state = world.ledger.sources()["cron"]
    assert (state.trouble, state.trouble_since) == (None, None)


def test_the_offset_of_its_clock_is_kept_with_what_is_heard_next(world):
    world.feed.clock_offset(timedelta(seconds=-2))
    world.hear("01:06")
    assert world.ledger.sources()["cron"].ahead == timedelta(seconds=-2)


def test_a_source_that_is_no_longer_declared_leaves_no_window_open(world):
    world.hear("01:10")
    world.pass_to("01:30")
    world.feed.forget()
    assert world.ledger.windows("cron") == [BlindWindow("cron", at("01:10"), at("01:30"), None)]
    assert not world.ledger.sources()["cron"].declared


def test_a_source_with_a_past_is_blind_until_that_was_read(ledger_url):
    world = World(ledger_url)
    declared = world.ledger.histories()["nightly"].latest
    since = msgspec.structs.replace(declared, since=at("00:00") - timedelta(days=3))
    world.ledger.declare("nightly", since, {}, world.now)
    world.open()
    world.pass_to("01:00")
    assert world.ledger.windows("cron")[0].since == since.since
    world.ledger.close()


def test_what_is_lost_stays_lost_when_the_silence_around_it_ends(world):
    world.hear("01:59")
    world.now = at("04:00")
    world.feed.lost(at("01:59"), at("03:00"))
    world.feed.look(world.now)
    world.hear("04:00:01")
    assert world.ledger.windows("cron") == [
        BlindWindow("cron", at("01:59"), at("03:00"), None),
        BlindWindow("cron", at("03:00"), at("04:00:01"), at("04:00:01")),
    ]


def test_a_cursor_that_moves_at_every_poll_does_not_put_off_what_is_heard(world):
    for second in range(1, 40):
        world.now = at(f"01:00:{second:02}")
        world.feed.take([], cursor=f"line {second}")
        world.feed.heard(world.now)
        world.feed.look(world.now)
    assert at("01:00:34") <= world.feed.heard_until
    assert world.ledger.windows("cron") == []

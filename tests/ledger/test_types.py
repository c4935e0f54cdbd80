from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, MetaData, Table, create_engine, insert, select

from verifier.ledger.types import Instant, Json, Word, stored_as, to_json
from verifier.runs.attempt import Told
from verifier.runs.verdict import Verdict

THINGS = Table(
    "things",
    MetaData(),
    Column("at", Instant),
    Column("verdict", Word(Verdict)),
    Column("told", Json(Told[str])),
)


def stored_and_read(**values: object) -> tuple[object, ...]:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        THINGS.create(connection)
        connection.execute(insert(THINGS), values)
        found = tuple(connection.execute(select(THINGS)).one())
        raw = tuple(connection.exec_driver_sql("SELECT * FROM things").one())
    engine.dispose()
    return found, raw


def test_an_instant_is_kept_to_the_microsecond_whatever_its_offset():
    berlin = timezone(timedelta(hours=2))
    at = datetime(2026, 4, 3, 2, 0, 0, 1, tzinfo=berlin)
    (found, *_), (raw, *_) = stored_and_read(at=at)
    assert found == at
    assert found.utcoffset() == timedelta()
    assert raw == 1775174400000001


def test_a_time_without_an_offset_is_refused():
    with pytest.raises(Exception, match="offset-naive"):
        stored_and_read(at=datetime(2026, 4, 3))  # noqa: DTZ001 - that is the point


def test_words_and_structs_come_back_as_what_they_were():
    told = Told(datetime.fromisoformat("2026-04-03T02:00:00Z"), "s1", "why")
    (_, *found), (_, *raw) = stored_and_read(verdict=Verdict.WRONG, told=told)
    assert found == [Verdict.WRONG, told]
    assert raw == ["wrong", '["2026-04-03T02:00:00Z","s1","why"]']


@pytest.mark.parametrize(
    "values",
    [
        {
            "at": datetime.fromisoformat("2026-04-03T02:00:00Z"),
            "verdict": Verdict.WRONG,
            "told": Told(datetime.fromisoformat("2026-04-03T02:00:00Z"), "s1", "why"),
        },
        {"at": None, "verdict": None, "told": None},
    ],
)
def test_what_is_stored_past_sqlalchemy_is_stored_alike(values):
    _, raw = stored_and_read(**values)
    assert raw == tuple(stored_as(THINGS.c[name].type)(value) for name, value in values.items())


def test_equal_values_have_equal_texts():
    assert to_json({"b": 1, "a": [2]}) == to_json({"a": [2], "b": 1}) == '{"a":[2],"b":1}'

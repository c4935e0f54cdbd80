import sqlite3
import threading
from datetime import UTC, datetime, timedelta

import pytest

from verifier.checks.remark import Level, Remark
from verifier.checks.stores.registry import Stores
from verifier.config.load import read_config
from verifier.engine import doctor
from verifier.engine.doctor import examine, examine_ledger
from verifier.ledger.ledger import Ledger

NOW = datetime(2026, 4, 3, 12, tzinfo=UTC)


@pytest.fixture
def found(tmp_path, plugin):
    """What is found about one source and one store, by subject."""

    def found(within=timedelta(seconds=10)):
        text = f"""
version: 1
ledger: sqlite:///{tmp_path}/landed.db
sources: {{night: {{type: lines, path: {tmp_path}/night.jsonl}}}}
stores: {{shop: {{type: sql, url: "sqlite:///{tmp_path}/shop.db"}}}}
jobs:
  load: {{schedule: {{every: 1h}}, class: best-effort, scheduler: {{source: night, task: load}}}}
"""
        config = read_config(text, "landed.yaml", {}).config
        with Stores(config.stores) as stores:
            findings = examine(config, stores, NOW, within)
        return {each.subject: each for each in findings}

    return found


def test_what_is_not_there_is_told_of_each_and_nothing_is_made(found, tmp_path):
    told = found()
    assert {subject: each.level for subject, each in told.items()} == {
        "ledger": Level.NOTE,
        "sources.night": Level.ERROR,
        "stores.shop": Level.ERROR,
    }
    assert "No such file" in told["sources.night"].message
    assert told["sources.night"].hint == "write it"
    assert list(tmp_path.iterdir()) == []


def test_what_is_well_is_told_too(found, tmp_path):
    (tmp_path / "night.jsonl").touch()
    database = sqlite3.connect(tmp_path / "shop.db")
    database.execute("create table sales (day text)")
    database.close()
    Ledger.open(f"sqlite:///{tmp_path}/landed.db", NOW).close()
    told = found()
    assert {each.level for each in told.values()} == {Level.OK}
    assert told["sources.night"].message == "1 jobs are read from it"


def test_who_does_not_answer_keeps_no_other_waiting(found, monkeypatch):
    ended = threading.Event()

    def hangs(_url):
        yield Remark(level=Level.OK, message="hello")
        ended.wait(10)

    monkeypatch.setattr(doctor, "examine_ledger", hangs)
    told = found(timedelta(milliseconds=300))
    ended.set()
    assert told["ledger"].message.startswith("no answer in time")
    assert told["stores.shop"].level is Level.ERROR


def test_a_defect_is_told_without_its_text(found, monkeypatch):
    def breaks(_url):
        raise RuntimeError("postgresql://user:secret@db")

    monkeypatch.setattr(doctor, "examine_ledger", breaks)
    assert found()["ledger"].message == "a defect: RuntimeError while it was examined"


@pytest.mark.parametrize(
    ("version", "level", "says"),
    [("0002", Level.NOTE, "schema 0002"), ("9999", Level.ERROR, "a newer landed wrote it")],
)
def test_a_ledger_of_another_version_is_told_and_left_as_it_is(tmp_path, version, level, says):
    url = f"sqlite:///{tmp_path}/landed.db"
    Ledger.open(url, NOW).close()
    database = sqlite3.connect(tmp_path / "landed.db")
    with database:
        database.execute("update schema_version set version_num = ?", (version,))
    database.close()
    (remark,) = examine_ledger(url)
    assert remark.level is level
    assert says in remark.message
    database = sqlite3.connect(tmp_path / "landed.db")
    assert database.execute("select version_num from schema_version").fetchall() == [(version,)]
    database.close()


def test_another_database_is_no_ledger(tmp_path):
    database = sqlite3.connect(tmp_path / "shop.db")
    database.execute("create table sales (day text)")
    database.close()
    (remark,) = examine_ledger(f"sqlite:///{tmp_path}/shop.db")
    assert (remark.level, "another database" in remark.message) == (Level.ERROR, True)

import pytest


@pytest.fixture
def filled(ledger, told, build):
    told.night()
    told(build.signal("started", "02:00:05", attempt=None, job="quarter"))
    told(build.signal("skipped", "02:15", attempt=None, job="quarter"))
    assert ledger.check(build.at("02:16")) == []
    return ledger


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("UPDATE signals SET attempt = 'b' WHERE attempt = 'a1'", "is bound to attempt 'b'"),
        ("DELETE FROM signals WHERE kind = 'succeeded'", "attempt 'a1' is not what its signals"),
        ("DELETE FROM attempts WHERE attempt = 'a1'", "attempt 'a1' is not what its signals"),
        ("UPDATE attempts SET run_id = 'r0'", "attempt 'a1' is of run r0, and should be of"),
        ("DELETE FROM runs WHERE job = 'nightly'", "run nightly/2026-04-03T02:00:00Z is not there"),
        ("UPDATE runs SET skipped = NULL", "is not skipped as its signals say"),
        ("UPDATE runs SET verdict = 'wrong' WHERE job = 'nightly'", "is stored as judged, wrong"),
    ],
)
def test_what_does_not_agree_is_told(filled, build, damage, found):
    with filled._database.write() as connection:
        connection.exec_driver_sql(damage)
    assert any(found in problem for problem in filled.check(build.at("02:16")))


def test_where_runs_stand_is_compared_only_if_it_is_told_when(filled):
    with filled._database.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET verdict = 'wrong' WHERE job = 'nightly'")
    assert filled.check() == []

from verifier.ledger import latest
from verifier.ledger.latest import Latest
from verifier.ledger.types import What


def keep(ledger, *instants):
    found = Latest()
    for what, subject, at, detail in instants:
        found.reach(what, subject, at, detail)
    with ledger._database.write() as connection:
        found.write(connection)
    with ledger._database.read() as connection:
        return latest.of_subject(connection, "nightly"), latest.heard(connection)


def test_an_instant_moves_forward_and_never_back(ledger, build):
    for when in ("02:00", "03:00", "01:00"):
        kept, _ = keep(ledger, (What.STARTED, "nightly", build.at(when), ""))
    assert kept == {(What.STARTED, ""): build.at("03:00")}


def test_of_several_in_one_write_the_latest_counts(ledger, build):
    said = [(What.STARTED, "nightly", build.at(when), "") for when in ("02:00", "03:00", "01:00")]
    assert keep(ledger, *said)[0] == {(What.STARTED, ""): build.at("03:00")}


def test_what_never_happened_is_not_kept(ledger):
    assert keep(ledger, (What.STARTED, "nightly", None, "")) == ({}, {})


def test_jobs_checks_and_sources_are_told_apart(ledger, build):
    kept, heard = keep(
        ledger,
        (What.ANSWERED, "nightly", build.at("02:00"), "rows"),
        (What.ANSWERED, "nightly", build.at("02:01"), "sums"),
        (What.ANSWERED, "other", build.at("02:02"), "rows"),
        (What.HEARD, "nightly", build.at("02:03"), ""),
        (What.HEARD, "native", build.at("02:04"), ""),
    )
    assert kept == {
        (What.ANSWERED, "rows"): build.at("02:00"),
        (What.ANSWERED, "sums"): build.at("02:01"),
    }
    assert heard == {"native": build.at("02:04"), "nightly": build.at("02:03")}

from verifier.ledger.tallies import Counted, Tally


def test_counts_are_added_up_by_family_job_and_labels(ledger):
    counted = Counted()
    for _ in range(3):
        counted.count("landed_things_total", "a", lane="live", verdict="wrong")
    counted.count("landed_things_total", "a", verdict="verified", lane="live")
    counted.count("landed_other_total", "b")
    for _ in range(2):
        with ledger._database.write() as connection:
            counted.write(connection)
    assert ledger.tallies() == [
        Tally("landed_other_total", "b", {}, 1),
        Tally("landed_things_total", "a", {"lane": "live", "verdict": "verified"}, 1),
        Tally("landed_things_total", "a", {"lane": "live", "verdict": "wrong"}, 3),
    ]
    assert [tally.family for tally in ledger.tallies("landed_other_total")] == [
        "landed_other_total"
    ]


def test_tallies_go_on_from_where_they_were(ledger):
    for _ in range(2):
        counted = Counted()
        counted.count("landed_things_total", "a")
        with ledger._database.write() as connection:
            counted.write(connection)
    assert [tally.value for tally in ledger.tallies()] == [2]

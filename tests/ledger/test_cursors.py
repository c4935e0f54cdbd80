def test_a_cursor_is_kept_under_its_name_and_moves(ledger):
    assert ledger.cursor("spool/host1") is None
    ledger.keep_cursor("spool/host1", "file:12")
    ledger.keep_cursor("spool/host2", "file:1")
    ledger.keep_cursor("spool/host1", "file:13")
    assert ledger.cursor("spool/host1") == "file:13"
    assert ledger.cursor("spool/host2") == "file:1"

from pathlib import Path

import pytest

from verifier.engine.instance import AlreadyServed, claim, serving, state_place

URL = "http://127.0.0.1:9877"


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"LANDED_STATE": "/srv/state"}, "/srv/state/127.0.0.1-9877"),
        ({"XDG_STATE_HOME": "/home/ann/state"}, "/home/ann/state/landed/127.0.0.1-9877"),
        ({"LANDED_STATE": "/s", "XDG_STATE_HOME": "/x"}, "/s/127.0.0.1-9877"),
    ],
)
def test_the_files_of_a_serve_without_a_file_stand_in_the_state_folder(environ, place):
    assert str(state_place(URL, environ)) == place


def test_without_a_word_they_stand_in_the_users_own(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    assert state_place(URL, {}) == Path("/home/ann/.local/state/landed/127.0.0.1-9877")


def test_an_address_that_is_no_file_name_becomes_one():
    assert state_place("http://[::1]:80", {"LANDED_STATE": "/s"}).name == "%3A%3A1-80"


def test_who_has_a_ledger_to_himself_listens_nowhere(tmp_path):
    with claim(tmp_path / "landed.db", None):
        assert serving(tmp_path / "landed.db") is None
        with (
            pytest.raises(AlreadyServed, match="is being copied"),
            claim(tmp_path / "landed.db", URL),
        ):
            pass
    with claim(tmp_path / "landed.db", URL):
        assert serving(tmp_path / "landed.db") == URL

"""What ``landed.yaml`` may say of the log of cron."""

import pytest
from pydantic import ValidationError

from verifier.signals.cron.settings import CronLogSettings, host_zone


def test_a_file_or_the_journal_is_named():
    assert CronLogSettings(type="cron-log", path="/var/log/syslog").file is not None
    assert CronLogSettings(type="cron-log", journal=True).file is None


@pytest.mark.parametrize("keys", [{}, {"path": "/var/log/syslog", "journal": True}])
def test_both_or_none_is_an_error(keys):
    with pytest.raises(ValidationError, match="expected either path or journal: true"):
        CronLogSettings(type="cron-log", **keys)


@pytest.mark.parametrize(
    "keys",
    [
        {"path": "syslog"},
        {"path": "/a\nb"},
        {"path": "/var/log/syslog", "timezone": "Mars/Olympus"},
        {"path": "/var/log/syslog", "poll": "0s"},
        {"path": "/var/log/syslog", "colour": "red"},
    ],
)
def test_what_makes_no_sense_is_refused(keys):
    with pytest.raises(ValidationError):
        CronLogSettings(type="cron-log", **keys)


def test_the_zone_of_stamps_is_that_of_the_host_unless_named():
    settings = CronLogSettings(type="cron-log", path="/x", timezone="Europe/Berlin")
    assert settings.zone.key == "Europe/Berlin"
    assert CronLogSettings(type="cron-log", path="/x").zone == host_zone()

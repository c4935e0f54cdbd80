import pytest

from verifier.config.file import ConfigFile
from verifier.config.job import JobModel
from verifier.config.keys import known_keys, nearest


def test_keys_are_those_that_are_written() -> None:
    assert "class" in known_keys(JobModel, ())
    assert "job_class" not in known_keys(JobModel, ())


@pytest.mark.parametrize(
    ("location", "key"),
    [
        (("schedule",), "cron"),
        (("schedule", "calendar"), "country"),
        (("covers", "<mapping>"), "start"),
        (("surfaces", 0), "kind"),
        (("checks", 0, "scope"), "expected"),
        (("checks", 0, "scope", "expected"), "min"),
        (("checks", 2, "reconcile", "left"), "sql"),
    ],
)
def test_a_location_leads_to_the_keys_known_there(
    location: tuple[str | int, ...], key: str
) -> None:
    assert key in known_keys(JobModel, location)
    assert "runbook" not in known_keys(JobModel, location)


def test_the_type_of_a_check_decides_which_keys_are_known() -> None:
    assert "left" not in known_keys(JobModel, ("checks", 0, "scope"))


def test_names_in_a_mapping_by_name_are_no_keys() -> None:
    assert "url" in known_keys(ConfigFile, ("stores", "warehouse"))


def test_the_nearest_is_named_and_nothing_far_off() -> None:
    assert nearest("Overlapp", ["overlap", "owner"]) == "did you mean 'overlap'?"
    assert nearest("zzz", ["overlap", "owner"]) is None

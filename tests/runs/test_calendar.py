from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.calendar import check_calendar, is_business_day, previous_business_day
from verifier.runs.declaration import Cron, Every

PLAIN = Cron(expression="0 2 * * *")
GERMANY = Cron(expression="0 2 * * *", country="DE")
BAVARIA = Cron(expression="0 2 * * *", country="DE", subdivision="BY")
SAUDI_ARABIA = Cron(expression="0 2 * * *", country="SA")
CHINA = Cron(expression="0 2 * * *", country="CN")
OWN = Every(period=timedelta(hours=1), holidays=(date(2026, 4, 2), date(2026, 4, 8)))

SCHEDULES = st.sampled_from([PLAIN, GERMANY, BAVARIA, SAUDI_ARABIA, CHINA, OWN])
DAYS = st.dates(date(1970, 1, 1), date(2100, 1, 1))


@pytest.mark.parametrize(
    ("schedule", "day", "business"),
    [
        (PLAIN, date(2026, 4, 3), True),  # Friday, and Good Friday
        (PLAIN, date(2026, 4, 4), False),
        (PLAIN, date(2026, 4, 5), False),
        (PLAIN, date(2026, 4, 6), True),
        (GERMANY, date(2026, 4, 2), True),
        (GERMANY, date(2026, 4, 3), False),
        (GERMANY, date(2026, 4, 6), False),  # Easter Monday
        (GERMANY, date(2026, 4, 7), True),
        (GERMANY, date(2026, 1, 6), True),
        (BAVARIA, date(2026, 1, 6), False),  # Epiphany, there alone
        (SAUDI_ARABIA, date(2026, 4, 3), False),  # Friday
        (SAUDI_ARABIA, date(2026, 4, 5), True),  # Sunday
        (CHINA, date(2024, 2, 4), True),  # a Sunday worked for the Spring Festival
        (CHINA, date(2024, 2, 11), False),
        (OWN, date(2026, 4, 1), True),
        (OWN, date(2026, 4, 2), False),
    ],
)
def test_business_days(schedule: Cron | Every, day: date, business: bool) -> None:
    assert is_business_day(day, schedule) is business


def test_a_new_year_observed_in_the_year_before_is_no_business_day() -> None:
    america = Cron(expression="0 2 * * *", country="US")
    assert not is_business_day(date(2021, 12, 31), america)


def test_an_own_holiday_counts_beside_those_of_the_country() -> None:
    schedule = Cron(expression="0 2 * * *", country="DE", holidays=(date(2026, 4, 7),))
    assert not is_business_day(date(2026, 4, 3), schedule)
    assert not is_business_day(date(2026, 4, 7), schedule)
    assert is_business_day(date(2026, 4, 8), schedule)


@pytest.mark.parametrize(
    ("schedule", "day", "previous"),
    [
        (PLAIN, date(2026, 4, 7), date(2026, 4, 6)),
        (PLAIN, date(2026, 4, 6), date(2026, 4, 3)),
        (PLAIN, date(2026, 4, 5), date(2026, 4, 3)),
        (GERMANY, date(2026, 4, 7), date(2026, 4, 2)),
        (OWN, date(2026, 4, 9), date(2026, 4, 7)),
        (OWN, date(2026, 4, 3), date(2026, 4, 1)),
    ],
)
def test_the_previous_business_day(schedule: Cron | Every, day: date, previous: date) -> None:
    assert previous_business_day(day, schedule) == previous


@given(SCHEDULES, DAYS)
def test_the_previous_business_day_is_one_and_the_days_since_are_none(
    schedule: Cron | Every, day: date
) -> None:
    previous = previous_business_day(day, schedule)
    assert previous < day
    assert is_business_day(previous, schedule)
    between = range(1, (day - previous).days)
    assert not any(is_business_day(previous + timedelta(days=n), schedule) for n in between)


def test_the_first_business_day_of_all_has_none_before_it() -> None:
    assert previous_business_day(date(1, 1, 2), PLAIN) == date(1, 1, 1)  # a Monday
    with pytest.raises(ValueError, match=r"^expected a business day"):
        previous_business_day(date(1, 1, 1), PLAIN)


@pytest.mark.parametrize(
    ("country", "subdivision", "problem"),
    [
        ("XX", None, "an ISO 3166 country such as DE, found 'XX'"),
        ("de", None, "found 'de'; did you mean DE"),
        ("Germany", None, "an ISO 3166 country such as DE, found 'Germany'"),
        ("holiday_base", None, "an ISO 3166 country such as DE, found 'holiday_base'"),
        ("../x", None, "an ISO 3166 country such as DE, found '../x'"),
        ("", None, "found ''; write two capital letters"),
        ("DE", "XX", "a subdivision of DE, found 'XX'; known are BB, BE, BW, BY"),
        ("AW", "XX", "a subdivision of AW, found 'XX'; known are none: leave it out"),
        (None, "BY", "a country for the subdivision 'BY', found none"),
    ],
)
def test_a_calendar_that_is_not_known_is_refused(
    country: str | None, subdivision: str | None, problem: str
) -> None:
    schedule = Cron(expression="0 2 * * *", country=country, subdivision=subdivision)
    with pytest.raises(ValueError, match=rf"^expected .*{problem}"):
        check_calendar(schedule)


def test_a_day_of_a_country_that_is_not_known_is_refused_and_no_business_day() -> None:
    with pytest.raises(ValueError, match="found 'XX'"):
        is_business_day(date(2026, 4, 3), Cron(expression="0 2 * * *", country="XX"))


@pytest.mark.parametrize("schedule", [PLAIN, GERMANY, BAVARIA, OWN])
def test_a_calendar_that_is_known_is_accepted(schedule: Cron | Every) -> None:
    check_calendar(schedule)

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.fees.deadlines import Deadlines, last_minute
from core.fees.errors import InvalidSchedule, ScheduleClosed, ScheduleNotOpen
from core.fees.pricing.late_fee import LateFee, LateFeeWindow
from core.fees.schedule import FeeSchedule
from tests.unit.fees.schedules import NOTHING, a_candidate, a_choice, a_fee, a_schedule, local, shipped

A_MICROSECOND = timedelta(microseconds=1)


@pytest.fixture(autouse=True, params=["UTC", "Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kolkata"])
def server_zone(request: pytest.FixtureRequest) -> Iterator[None]:
    """Set the time zone of the server, which must not matter."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


def total(schedule: FeeSchedule, moment: datetime) -> int:
    return schedule.quote(a_candidate(), NOTHING, moment).total.minor


def test_the_last_instant_of_the_last_day_is_in_time_and_midnight_is_late() -> None:
    cbse = shipped("cbse-2020-xii")

    in_time = cbse.quote(a_candidate(), a_choice(5), local("2019-09-30T23:59:59.999"))
    late = cbse.quote(a_candidate(), a_choice(5), local("2019-10-01T00:00:00.000"))

    assert in_time.total.minor == 150_000
    assert late.total.minor == 350_000


def test_neet_opens_at_midnight_in_india() -> None:
    neet, opening = shipped("neet-ug-2026"), local("2026-02-08T00:00")

    assert total(neet, opening) == 170_000
    with pytest.raises(ScheduleNotOpen, match=r"8 February 2026, 00:00 \(Asia/Kolkata\)"):
        total(neet, opening - A_MICROSECOND)


@pytest.mark.parametrize(
    ("closes", "zone", "last"),
    [
        ("2026-03-09T00:00", "Asia/Kolkata", "2026-03-08T23:59"),
        ("2026-03-08T23:59:59", "Asia/Kolkata", "2026-03-08T23:59"),
        ("2026-03-08T21:00:30", "Asia/Kolkata", "2026-03-08T21:00"),
        ("2026-01-01T00:00", "UTC", "2025-12-31T23:59"),
        ("2026-03-08T03:00", "America/New_York", "2026-03-08T01:59"),  # clocks go from 02:00 to 03:00
        ("2026-04-24T01:00", "Africa/Cairo", "2026-04-23T23:59"),  # and from 00:00 to 01:00
    ],
)
def test_people_are_told_the_last_minute_that_is_in_time(closes: str, zone: str, last: str) -> None:
    assert last_minute(local(closes, zone), zone).replace(tzinfo=None) == datetime.fromisoformat(last)


@pytest.mark.parametrize(
    ("changes", "at", "instead"),
    [
        ({"closes": Deadlines(submission=datetime(2026, 3, 8, 2, 30))}, "$.closes.submission", "2026-03-08T03:30:00"),  # noqa: DTZ001
        ({"opens": datetime(2026, 3, 8, 2)}, "$.opens", "2026-03-08T03:00:00"),  # noqa: DTZ001
        (
            {
                "closes": Deadlines(submission=datetime(2026, 3, 1), payment=datetime(2026, 4, 24)),  # noqa: DTZ001
                "zone": "Africa/Cairo",
            },
            "$.closes.payment",
            "2026-04-24T01:00:00",
        ),
        (
            {"closes": Deadlines(submission=datetime(2011, 12, 30, 12)), "zone": "Pacific/Apia"},  # noqa: DTZ001
            "$.closes.submission",
            "2011-12-31T12:00:00",
        ),
    ],
)
def test_a_moment_that_no_clock_shows_is_not_published(changes: dict[str, Any], at: str, instead: str) -> None:
    schedule = replace(NEW_YORK, closes=Deadlines()) if "opens" in changes else NEW_YORK
    with pytest.raises(InvalidSchedule, match=f"no clock in .*; write {instead}") as refused:
        replace(schedule, **changes).refuse_to_publish()

    assert refused.value.at == at


def test_an_hour_that_comes_twice_is_published() -> None:
    replace(NEW_YORK, closes=Deadlines(submission=datetime(2026, 11, 1, 1, 30))).refuse_to_publish()  # noqa: DTZ001


def test_neet_closes_at_nine_in_the_evening_sharp() -> None:
    neet, closing = shipped("neet-ug-2026"), local("2026-03-08T21:00")

    assert total(neet, closing - A_MICROSECOND) == 170_000
    with pytest.raises(ScheduleClosed, match=r"8 March 2026, 20:59 \(Asia/Kolkata\)"):
        total(neet, closing)


def test_neet_takes_payments_for_almost_three_hours_more() -> None:
    neet, closing = shipped("neet-ug-2026"), local("2026-03-08T23:50")

    assert neet.accepts_payment(closing - A_MICROSECOND)
    assert not neet.accepts_payment(closing)


def test_a_quote_names_the_closing_moment_of_payment_in_utc() -> None:
    quote = shipped("neet-ug-2026").quote(a_candidate(), NOTHING, local("2026-03-01T12:00"))

    assert quote.pay_by == datetime(2026, 3, 8, 18, 20, tzinfo=UTC)
    assert quote.pay_by.utcoffset() == timedelta(0)


def test_without_a_closing_moment_payments_are_always_in_time() -> None:
    schedule = a_schedule()

    assert schedule.accepts_payment(datetime(2999, 1, 1, tzinfo=UTC))
    assert schedule.quote(a_candidate(), NOTHING, datetime(2999, 1, 1, tzinfo=UTC)).pay_by is None


def test_a_price_can_be_asked_after_closing() -> None:
    neet = shipped("neet-ug-2026")

    assert neet.price(a_candidate(), NOTHING, local("2026-04-01T00:00")).total.minor == 170_000


NEW_YORK = a_schedule(zone="America/New_York", closes=Deadlines(submission=datetime(2026, 3, 9)))  # noqa: DTZ001


def test_a_day_of_23_hours_ends_at_midnight_too() -> None:
    closing = local("2026-03-09T00:00", "America/New_York")

    assert closing == datetime(2026, 3, 9, 4, tzinfo=UTC)  # summer time begins the night before
    assert total(NEW_YORK, closing - A_MICROSECOND) == 10_000
    with pytest.raises(ScheduleClosed):
        total(NEW_YORK, closing)


def test_an_hour_that_comes_twice_closes_the_first_time() -> None:
    half_past_one = datetime(2026, 11, 1, 1, 30)  # noqa: DTZ001
    schedule = replace(NEW_YORK, closes=Deadlines(submission=half_past_one))

    assert total(schedule, local("2026-11-01T01:29:59", "America/New_York")) == 10_000
    for fold in (0, 1):
        with pytest.raises(ScheduleClosed):
            total(schedule, local("2026-11-01T01:30:00", "America/New_York", fold))


def test_days_are_counted_by_the_calendar_and_not_in_hours() -> None:
    per_day = LateFee(windows=(LateFeeWindow(after=datetime(2026, 10, 31).date(), per_day=100),))  # noqa: DTZ001
    schedule = a_schedule(a_fee(), per_day, zone="America/New_York")

    # 1 November 2026 has 25 hours in New York.
    assert total(schedule, local("2026-11-01T00:00", "America/New_York")) == 10_100
    assert total(schedule, local("2026-11-01T23:59:59", "America/New_York")) == 10_100
    assert total(schedule, local("2026-11-02T00:00", "America/New_York")) == 10_200


def test_a_day_that_begins_at_one_begins_late() -> None:
    # Clocks in Cairo moved from 00:00 to 01:00 on 24 April 2026.
    fine = LateFee(windows=(LateFeeWindow(after=datetime(2026, 4, 23).date(), amount=100),))  # noqa: DTZ001
    schedule = a_schedule(a_fee(), fine, zone="Africa/Cairo", country="EG")
    first_instant = datetime(2026, 4, 23, 22, tzinfo=UTC)

    assert total(schedule, first_instant - A_MICROSECOND) == 10_000
    assert total(schedule, first_instant) == 10_100

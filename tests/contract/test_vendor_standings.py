"""The contract of `VendorStandings`, for every adapter."""

import asyncio
from datetime import timedelta
from typing import Any

from config.container import Application
from core.notifications.delivery import Channel
from core.notifications.vendor_standing import Breaker, VendorStanding
from tests.examples import NOON

LATER = NOON + timedelta(seconds=12)


def a_report(process: str = "host-1", **changes: Any) -> VendorStanding:
    given: dict[str, Any] = {
        "channel": Channel.EMAIL, "vendor": "ses", "breaker": Breaker.CLOSED, "calls": 40, "failure_percent": 2,
        "under_way": 7, "rests_until": None, "at": NOON, "process": process,
    }  # fmt: skip
    return VendorStanding(**given | changes)


async def test_what_was_said_is_told_by_channel_vendor_and_process(stored: Application) -> None:
    reports = stored.notifications.vendor_standings()
    resting = a_report(vendor="smtp", breaker=Breaker.OPEN, rests_until=LATER)
    await reports.publish([a_report("host-2"), a_report("host-2", channel=Channel.SMS, vendor="twilio")])
    await reports.publish([resting, a_report()])

    assert await reports.since(NOON) == [
        a_report(), a_report("host-2"), resting, a_report("host-2", channel=Channel.SMS, vendor="twilio"),
    ]  # fmt: skip


async def test_the_latest_report_of_a_process_replaces_earlier_ones(stored: Application) -> None:
    reports = stored.notifications.vendor_standings()
    await reports.publish([a_report(), a_report(vendor="smtp")])
    await reports.publish([a_report("host-2")])
    await reports.publish([a_report(breaker=Breaker.HALF_OPEN, at=LATER)])

    assert await reports.since(NOON) == [a_report(breaker=Breaker.HALF_OPEN, at=LATER), a_report("host-2")]


async def test_reports_at_the_same_moment_are_all_taken(stored: Application) -> None:
    reports = stored.notifications.vendor_standings()
    processes = [f"host-{number % 4}" for number in range(40)]
    await asyncio.gather(*(reports.publish([a_report(each), a_report(each, vendor="smtp")]) for each in processes))

    assert len(await reports.since(NOON)) == 8


async def test_a_process_that_stopped_reporting_is_omitted_and_deleted(stored: Application) -> None:
    reports = stored.notifications.vendor_standings()
    await reports.publish([a_report("host-2")])
    await reports.publish([a_report(at=LATER)])
    assert [each.process for each in await reports.since(LATER)] == ["host-1"]

    await reports.publish([a_report(at=NOON + timedelta(hours=2))])
    assert [each.process for each in await reports.since(NOON)] == ["host-1"]

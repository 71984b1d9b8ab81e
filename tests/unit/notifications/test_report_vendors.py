from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.memory.vendor_standings import MemoryVendorStandings
from core.notifications.delivery import Channel
from core.notifications.list_vendor_standings import ListVendorStandings
from core.notifications.publish_vendor_standings import PublishVendorStandings
from core.notifications.vendor_standing import Breaker, VendorStanding
from tests.examples import NOON
from tests.unit.notifications.harness import NotificationsHarness, StubEmailVendor


class VendorReportsHarness:
    """A dispatcher that watches one vendor, and whoever asks it."""

    def __init__(self) -> None:
        self.room, self.kept = NotificationsHarness(), MemoryVendorStandings()
        self.breaker, office = Breaker.CLOSED, self

        class Watched(StubEmailVendor):
            def standings(self) -> Sequence[VendorStanding]:
                at = office.room.clock.now()
                report = VendorStanding(
                    channel=Channel.EMAIL, vendor="ses", breaker=office.breaker, calls=9, failure_percent=0,
                    under_way=0, rests_until=None, at=at,
                )  # fmt: skip
                return [report]

        email = Watched(self.room.journal, self.room.clock, self.room.rings)
        self.report = PublishVendorStandings(email, self.room.sms, self.kept, "host-1")
        self.list = ListVendorStandings(self.kept, self.room.clock)


@pytest.fixture
def office() -> VendorReportsHarness:
    return VendorReportsHarness()


async def test_vendor_standings_carry_their_process_and_time(office: VendorReportsHarness) -> None:
    await office.report()

    [told] = await office.list()
    assert (told.process, told.vendor, told.breaker, told.at) == ("host-1", "ses", Breaker.CLOSED, NOON)


async def test_a_breaker_that_opens_is_told_at_once_and_nothing_else_is(office: VendorReportsHarness) -> None:
    told = await office.report()
    office.room.clock.pass_by(timedelta(seconds=1))
    assert await office.report(told) == told
    office.breaker = Breaker.OPEN
    await office.report(told)

    [seen] = await office.list()
    assert (seen.breaker, seen.at) == (Breaker.OPEN, NOON + timedelta(seconds=1))


async def test_a_heartbeat_is_written_every_fifteen_seconds(office: VendorReportsHarness) -> None:
    told = await office.report()
    office.room.clock.pass_by(timedelta(seconds=15))
    await office.report(told)

    assert [each.at for each in await office.list()] == [NOON + timedelta(seconds=15)]


async def test_a_process_silent_for_a_minute_is_not_listed(office: VendorReportsHarness) -> None:
    [told] = await office.report()
    await office.kept.tell([replace(told, process="host-2", at=NOON + timedelta(seconds=30))])
    office.room.clock.pass_by(timedelta(seconds=61))

    assert [each.process for each in await office.list()] == ["host-2"]

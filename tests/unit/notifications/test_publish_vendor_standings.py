from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.memory.notifications.vendor_standings import MemoryVendorStandings
from core.notifications.delivery import Channel
from core.notifications.list_vendor_standings import ListVendorStandings
from core.notifications.publish_vendor_standings import PublishVendorStandings
from core.notifications.vendor_standing import Breaker, VendorStanding
from tests.examples import NOON
from tests.unit.notifications.harness import NotificationsHarness, StubEmailVendor


class VendorStandingsHarness:
    """A process that publishes the standing of one vendor, and lists all standings."""

    def __init__(self) -> None:
        self.notifications, self.stored = NotificationsHarness(), MemoryVendorStandings()
        self.breaker, harness = Breaker.CLOSED, self

        class Watched(StubEmailVendor):
            def standings(self) -> Sequence[VendorStanding]:
                at = harness.notifications.clock.now()
                standing = VendorStanding(
                    channel=Channel.EMAIL, vendor="ses", breaker=harness.breaker, calls=9, failure_percent=0,
                    under_way=0, rests_until=None, at=at,
                )  # fmt: skip
                return [standing]

        email = Watched(self.notifications.attempt_log, self.notifications.clock, self.notifications.rings)
        self.publish = PublishVendorStandings(email, self.notifications.sms, self.stored, "host-1")
        self.list = ListVendorStandings(self.stored, self.notifications.clock)


@pytest.fixture
def harness() -> VendorStandingsHarness:
    return VendorStandingsHarness()


async def test_vendor_standings_carry_their_process_and_time(harness: VendorStandingsHarness) -> None:
    await harness.publish()

    [published] = await harness.list()
    assert (published.process, published.vendor, published.breaker, published.at) == (
        "host-1",
        "ses",
        Breaker.CLOSED,
        NOON,
    )


async def test_only_a_breaker_change_is_published_before_the_next_heartbeat(harness: VendorStandingsHarness) -> None:
    published = await harness.publish()
    harness.notifications.clock.pass_by(timedelta(seconds=1))
    assert await harness.publish(published) == published
    harness.breaker = Breaker.OPEN
    await harness.publish(published)

    [listed] = await harness.list()
    assert (listed.breaker, listed.at) == (Breaker.OPEN, NOON + timedelta(seconds=1))


async def test_a_heartbeat_is_written_every_fifteen_seconds(harness: VendorStandingsHarness) -> None:
    published = await harness.publish()
    harness.notifications.clock.pass_by(timedelta(seconds=15))
    await harness.publish(published)

    assert [each.at for each in await harness.list()] == [NOON + timedelta(seconds=15)]


async def test_a_process_silent_for_a_minute_is_not_listed(harness: VendorStandingsHarness) -> None:
    [published] = await harness.publish()
    await harness.stored.publish([replace(published, process="host-2", at=NOON + timedelta(seconds=30))])
    harness.notifications.clock.pass_by(timedelta(seconds=61))

    assert [each.process for each in await harness.list()] == ["host-2"]

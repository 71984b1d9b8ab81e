import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from core.notifications.delivery import Channel
from core.notifications.messages import DeliveryId
from tests.unit.notifications.harness import CLAIM_DURATION, NotificationsHarness


@pytest.fixture
def harness() -> NotificationsHarness:
    return NotificationsHarness()


async def claim_and_die(harness: NotificationsHarness) -> DeliveryId:
    """Let a dispatcher die during a vendor call."""
    [owed] = await harness.add_delivery(await harness.enrol())
    harness.email.will_answer("asha.1@example.org", asyncio.Event())
    dispatching = asyncio.create_task(harness.dispatch(Channel.EMAIL))
    await harness.until(lambda: harness.state(owed) == "sending")
    dispatching.cancel()
    with suppress(asyncio.CancelledError):
        await dispatching
    return owed


async def test_an_expired_claim_leaves_the_outcome_unknown(harness: NotificationsHarness) -> None:
    owed = await claim_and_die(harness)
    harness.clock.pass_by(CLAIM_DURATION)

    assert await harness.abandon() == 1
    assert harness.state(owed) == "unknown"
    assert "did not store an outcome in time" in harness.delivery(owed).reason
    assert await harness.abandon() == 0


async def test_an_unexpired_claim_is_not_abandoned(harness: NotificationsHarness) -> None:
    owed = await claim_and_die(harness)
    harness.clock.pass_by(CLAIM_DURATION - timedelta(microseconds=1))

    assert await harness.abandon() == 0
    assert harness.state(owed) == "sending"


async def test_an_unclaimed_delivery_is_not_abandoned(harness: NotificationsHarness) -> None:
    [owed] = await harness.add_delivery(await harness.enrol())
    harness.clock.pass_by(timedelta(days=1))

    assert await harness.abandon() == 0
    assert harness.state(owed) == "pending"


async def test_what_was_abandoned_is_not_sent_again(harness: NotificationsHarness) -> None:
    await claim_and_die(harness)
    asked = len(harness.email.asked)
    harness.clock.pass_by(timedelta(days=1))
    await harness.abandon()

    assert await harness.dispatch(Channel.EMAIL) == 0
    assert len(harness.email.asked) == asked

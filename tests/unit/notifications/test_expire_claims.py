import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from core.notifications.delivery import Channel
from core.notifications.messages import DeliveryId
from tests.unit.notifications.harness import CLAIM_DURATION, NotificationsHarness


@pytest.fixture
def room() -> NotificationsHarness:
    return NotificationsHarness()


async def claim_and_die(room: NotificationsHarness) -> DeliveryId:
    """Let a dispatcher die while it waits for the vendor."""
    [owed] = await room.add_delivery(await room.enrol())
    room.email.will_answer("asha.1@example.org", asyncio.Event())
    dispatching = asyncio.create_task(room.dispatch(Channel.EMAIL))
    await room.until(lambda: room.state(owed) == "sending")
    dispatching.cancel()
    with suppress(asyncio.CancelledError):
        await dispatching
    return owed


async def test_an_expired_claim_leaves_the_outcome_unknown(room: NotificationsHarness) -> None:
    owed = await claim_and_die(room)
    room.clock.pass_by(CLAIM_DURATION)

    assert await room.abandon() == 1
    assert room.state(owed) == "unknown"
    assert "did not come back" in room.delivery(owed).reason
    assert await room.abandon() == 0


async def test_an_unexpired_claim_is_not_abandoned(room: NotificationsHarness) -> None:
    owed = await claim_and_die(room)
    room.clock.pass_by(CLAIM_DURATION - timedelta(microseconds=1))

    assert await room.abandon() == 0
    assert room.state(owed) == "sending"


async def test_an_unclaimed_delivery_is_not_abandoned(room: NotificationsHarness) -> None:
    [owed] = await room.add_delivery(await room.enrol())
    room.clock.pass_by(timedelta(days=1))

    assert await room.abandon() == 0
    assert room.state(owed) == "pending"


async def test_what_was_abandoned_is_not_sent_again(room: NotificationsHarness) -> None:
    await claim_and_die(room)
    asked = len(room.email.asked)
    room.clock.pass_by(timedelta(days=1))
    await room.abandon()

    assert await room.dispatch(Channel.EMAIL) == 0
    assert len(room.email.asked) == asked

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from core.notifications.delivery import Channel
from core.notifications.messages import DeliveryId
from tests.unit.notifications.post import LEASE, PostRoom


@pytest.fixture
def room() -> PostRoom:
    return PostRoom()


async def killed(room: PostRoom) -> DeliveryId:
    """Let a dispatcher die while it waits for the vendor."""
    [owed] = await room.owe(await room.enrol())
    room.email.will_answer("asha.1@example.org", asyncio.Event())
    dispatching = asyncio.create_task(room.dispatch(Channel.EMAIL))
    await room.until(lambda: room.state(owed) == "sending")
    dispatching.cancel()
    with suppress(asyncio.CancelledError):
        await dispatching
    return owed


async def test_who_does_not_come_back_leaves_the_outcome_unknown(room: PostRoom) -> None:
    owed = await killed(room)
    room.clock.pass_by(LEASE)

    assert await room.abandon() == 1
    assert room.state(owed) == "unknown"
    assert "did not come back" in room.delivery(owed).reason
    assert await room.abandon() == 0


async def test_who_may_still_come_back_is_left_alone(room: PostRoom) -> None:
    owed = await killed(room)
    room.clock.pass_by(LEASE - timedelta(microseconds=1))

    assert await room.abandon() == 0
    assert room.state(owed) == "sending"


async def test_what_was_never_taken_in_hand_is_not_abandoned(room: PostRoom) -> None:
    [owed] = await room.owe(await room.enrol())
    room.clock.pass_by(timedelta(days=1))

    assert await room.abandon() == 0
    assert room.state(owed) == "pending"


async def test_what_was_abandoned_is_not_sent_again(room: PostRoom) -> None:
    await killed(room)
    asked = len(room.email.asked)
    room.clock.pass_by(timedelta(days=1))
    await room.abandon()

    assert await room.dispatch(Channel.EMAIL) == 0
    assert len(room.email.asked) == asked

import pytest

from core.notifications.delivery import Channel, DeliveryState
from core.shared.errors import Conflict
from tests.examples import ids
from tests.unit.notifications.post import PostRoom, a_notice


async def test_a_notice_becomes_one_due_delivery_per_channel() -> None:
    room = PostRoom()
    notice = a_notice(await room.enrol())
    await room.notify(notice)

    owed = list(room.store.deliveries.values())
    assert sorted(each.channel for each in owed) == sorted(Channel)
    assert len({each.id for each in owed}) == len(Channel)
    for each in owed:
        assert (each.notice, each.about, each.student) == (notice.notice, notice.about, notice.student)
        assert (each.template, each.facts) == ("fee_submitted", {"reference": "BF-1"})
        assert (each.state, each.attempts, each.due_at) == (DeliveryState.PENDING, 0, room.clock.now())


async def test_the_same_notice_twice_is_delivered_once() -> None:
    room = PostRoom()
    notice = a_notice(await room.enrol(), ids.new())
    await room.notify(notice)
    with pytest.raises(Conflict):
        await room.notify(notice)

    assert len(room.store.deliveries) == len(Channel)


async def test_two_notices_to_one_student_are_two() -> None:
    room = PostRoom()
    student = await room.enrol()
    await room.notify(a_notice(student))
    await room.notify(a_notice(student))

    assert len(room.store.deliveries) == 2 * len(Channel)

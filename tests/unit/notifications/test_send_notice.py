from dataclasses import replace

from core.notifications.delivery import Channel, DeliveryState
from tests.examples import ids
from tests.unit.notifications.harness import NotificationsHarness, a_notice


async def test_a_notice_becomes_one_due_delivery_per_channel() -> None:
    room = NotificationsHarness()
    notice = a_notice(await room.enrol())
    await room.notify(notice)

    owed = list(room.store.deliveries.values())
    assert sorted(each.channel for each in owed) == sorted(Channel)
    assert len({each.id for each in owed}) == len(Channel)
    for each in owed:
        assert (each.notice, each.about, each.recipient) == (notice.notice, notice.about, notice.recipient)
        assert (each.template, each.facts) == ("fee_submitted", {"reference": "BF-1"})
        assert (each.state, each.attempts, each.due_at) == (DeliveryState.PENDING, 0, room.clock.now())


async def test_the_same_notice_twice_is_delivered_once() -> None:
    room = NotificationsHarness()
    notice = a_notice(await room.enrol(), ids.new())
    await room.notify(notice)
    first = list(room.store.deliveries)
    await room.notify(notice)

    assert list(room.store.deliveries) == first


async def test_a_notice_of_the_past_is_written_down_and_not_sent() -> None:
    room = NotificationsHarness()
    await replace(room.notify, send=False)(a_notice(await room.enrol()))
    await room.dispatch(Channel.EMAIL)

    assert {each.state for each in room.store.deliveries.values()} == {DeliveryState.SUPPRESSED}
    assert {each.reason for each in room.store.deliveries.values()} == {"rebuilt by replay"}
    assert room.email.asked == []


async def test_two_notices_to_one_student_are_two() -> None:
    room = NotificationsHarness()
    student = await room.enrol()
    await room.notify(a_notice(student))
    await room.notify(a_notice(student))

    assert len(room.store.deliveries) == 2 * len(Channel)

from dataclasses import replace

from core.notifications.delivery import Channel, DeliveryState
from tests.examples import ids
from tests.unit.notifications.harness import NotificationsHarness, a_notice


async def test_a_notice_becomes_one_due_delivery_per_channel() -> None:
    harness = NotificationsHarness()
    notice = a_notice(await harness.enrol())
    await harness.notify(notice)

    owed = list(harness.store.deliveries.values())
    assert sorted(each.channel for each in owed) == sorted(Channel)
    assert len({each.id for each in owed}) == len(Channel)
    for each in owed:
        assert (each.notice, each.about, each.recipient) == (notice.notice, notice.about, notice.recipient)
        assert (each.template, each.facts) == ("fee_submitted", {"reference": "BF-1"})
        assert (each.state, each.attempts, each.due_at) == (DeliveryState.PENDING, 0, harness.clock.now())


async def test_the_same_notice_twice_is_delivered_once() -> None:
    harness = NotificationsHarness()
    notice = a_notice(await harness.enrol(), ids.new())
    await harness.notify(notice)
    first = list(harness.store.deliveries)
    await harness.notify(notice)

    assert list(harness.store.deliveries) == first


async def test_a_notice_of_the_past_is_written_down_and_not_sent() -> None:
    harness = NotificationsHarness()
    await replace(harness.notify, send=False)(a_notice(await harness.enrol()))
    await harness.dispatch(Channel.EMAIL)

    assert {each.state for each in harness.store.deliveries.values()} == {DeliveryState.SUPPRESSED}
    assert {each.reason for each in harness.store.deliveries.values()} == {"rebuilt by replay"}
    assert harness.email.asked == []


async def test_two_notices_to_one_student_are_two() -> None:
    harness = NotificationsHarness()
    student = await harness.enrol()
    await harness.notify(a_notice(student))
    await harness.notify(a_notice(student))

    assert len(harness.store.deliveries) == 2 * len(Channel)

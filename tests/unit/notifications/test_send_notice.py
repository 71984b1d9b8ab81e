from dataclasses import replace
from datetime import timedelta

from core.notifications.delivery import Channel, DeliveryState
from tests.examples import ids
from tests.unit.notifications.harness import LIFETIME, NotificationsHarness, a_notice


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


async def test_a_message_expires_with_its_deadline_or_after_its_lifetime() -> None:
    harness = NotificationsHarness()
    student, now = await harness.enrol(), harness.clock.now()
    for deadline in (None, now + timedelta(hours=1), now + timedelta(days=90)):
        await harness.notify(replace(a_notice(student), expires_at=deadline))

    expiries = sorted({each.expires_at for each in harness.store.deliveries.values() if each.expires_at})
    assert expiries == [now + timedelta(hours=1), now + LIFETIME]


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

"""The effects of a vendor outage, in virtual time."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from core.kernel.vendor_errors import AccountFault, Rejected, VendorUnavailable
from core.notifications.attempt_log import Attempt, AttemptOutcome
from core.notifications.delivery import Channel
from core.notifications.errors import RecipientNotAllowed, RecipientUnavailable
from tests.examples import NOON
from tests.unit.notifications.harness import NotificationsHarness, a_notice
from tests.unit.virtual_time import SimulatedVendor, now, run_in_virtual_time, virtual_time_harness

BEGIN, END = 10.0, 1_810.0
"""In seconds."""
DELIVERY_COUNT = 900


def down_between(begin: float, end: float) -> SimulatedVendor:
    return SimulatedVendor(lambda at: VendorUnavailable("down") if begin <= at < end else None)


async def add_delivery(harness: NotificationsHarness, many: int, channel: Channel = Channel.EMAIL) -> None:
    student = await harness.enrol(len(harness.store.students))
    await harness.add_delivery(*[student] * many, channel=channel)


async def dispatched(harness: NotificationsHarness, *channels: Channel, until: float) -> Counter[str]:
    """Dispatch until a moment, and count the states of all deliveries."""
    stop = asyncio.Event()
    lanes = [asyncio.create_task(harness.dispatch(channel, stop)) for channel in channels]
    await asyncio.sleep(until - now())
    stop.set()
    await asyncio.gather(*lanes)
    return Counter(each.state.value for each in harness.store.deliveries.values())


def test_an_outage_of_half_an_hour_loses_and_repeats_nothing_and_ends_in_a_ramp() -> None:
    vendor = down_between(BEGIN, END)

    async def story() -> NotificationsHarness:
        harness = virtual_time_harness([vendor])
        await asyncio.sleep(BEGIN)
        await add_delivery(harness, DELIVERY_COUNT)
        assert await dispatched(harness, Channel.EMAIL, until=END + 900) == {"sent": DELIVERY_COUNT}
        return harness

    harness = run_in_virtual_time(story)

    assert Counter(vendor.accepted) == dict.fromkeys(harness.store.deliveries, 1)
    # those in flight at the start of the outage, their retries, and a probe every fifteen seconds
    assert vendor.calls_between(BEGIN, END) <= 2 * 32 + (END - BEGIN) / 15
    well = next(at for at in vendor.calls if at >= END)
    per_second = [vendor.calls_between(well + second, well + second + 1) for second in range(4)]
    assert per_second[0] <= 2 * 20 + 2, "more than two concurrent calls directly after the cool-down"
    assert all(later <= 2.5 * sooner for sooner, later in pairwise(per_second))
    assert per_second[3] >= 6 * per_second[0]


def test_while_the_breaker_is_open_only_probes_are_claimed() -> None:
    vendor = down_between(0, 100_000)

    async def story() -> NotificationsHarness:
        harness = virtual_time_harness([vendor])
        await add_delivery(harness, DELIVERY_COUNT)
        await dispatched(harness, Channel.EMAIL, until=600)
        return harness

    touched = [
        each for each in run_in_virtual_time(story).store.deliveries.values() if each.due_at > NOON or each.attempts
    ]
    assert len(touched) <= 32 + 600 / 15


def test_throttling_delays_however_often_and_never_rejects() -> None:
    vendor = SimulatedVendor(lambda at: VendorUnavailable("429", retry_after=60) if at < 6 * 3_600 else None)

    async def story() -> None:
        harness = virtual_time_harness([vendor])
        await add_delivery(harness, 1)
        assert await dispatched(harness, Channel.EMAIL, until=6 * 3_600) == {"pending": 1}
        assert await dispatched(harness, Channel.EMAIL, until=7 * 3_600) == {"sent": 1}

    run_in_virtual_time(story)

    assert len(vendor.calls) > 20
    assert min(later - sooner for sooner, later in pairwise(vendor.calls)) >= 60


def test_a_vendor_that_hangs_for_a_minute_leaves_the_other_channel_alone() -> None:
    def sent_in_a_minute(*, hanging: bool) -> tuple[int, Counter[str]]:
        email, sms = SimulatedVendor(), SimulatedVendor()
        email.seconds, sms.seconds = 60.0 if hanging else 0.5, 0.5

        async def story() -> Counter[str]:
            harness = virtual_time_harness([email], [sms], max_in_flight=4)
            await add_delivery(harness, 600, Channel.SMS)
            await add_delivery(harness, 100, Channel.EMAIL)
            return await dispatched(harness, *Channel, until=60)

        states = run_in_virtual_time(story)
        return len(sms.accepted), states

    (normal, _), (beside, states) = sent_in_a_minute(hanging=False), sent_in_a_minute(hanging=True)
    assert beside >= 0.9 * normal > 400
    assert 4 <= states["unknown"] <= 20


def test_failover_from_a_hanging_vendor_sends_no_message_twice() -> None:
    first, second = SimulatedVendor(), SimulatedVendor()
    first.seconds = 60.0

    async def story() -> Counter[str]:
        harness = virtual_time_harness([first, second])
        await add_delivery(harness, DELIVERY_COUNT)
        return await dispatched(harness, Channel.EMAIL, until=60)

    states = run_in_virtual_time(story)

    # messages that the first vendor may have accepted stay unknown: those in flight, and a probe every fifteen seconds
    assert states["unknown"] <= 32 + 60 / 15
    assert states["sent"] == len(second.accepted) == DELIVERY_COUNT - states["unknown"]
    assert len(set(second.accepted)) == len(second.accepted)


def test_when_the_first_vendor_is_back_it_is_asked_again() -> None:
    first, second = down_between(0, 60), SimulatedVendor()

    async def story() -> None:
        harness = virtual_time_harness([first, second])
        await add_delivery(harness, 500)
        await dispatched(harness, Channel.EMAIL, until=30)
        assert len(second.accepted) == 500
        await asyncio.sleep(90 - now())
        await add_delivery(harness, 500)
        await dispatched(harness, Channel.EMAIL, until=120)

    run_in_virtual_time(story)
    assert len(first.accepted) >= 500 - 32, "messages beyond the capacity of the probed vendor go to the second"


@pytest.mark.parametrize(
    ("bad", "refusal", "end"),
    [
        (40, Rejected("twilio answered 400 with 21635"), "rejected"),
        (15, RecipientUnavailable("smtp answered 450"), "pending"),
        (40, RecipientUnavailable("smtp answered 450"), "pending"),
        (40, RecipientNotAllowed("twilio answered 400 with 21408"), "pending"),
        (200, RecipientUnavailable("smtp answered 450 4.7.1"), "pending"),
    ],
)
def test_bad_recipients_at_the_head_of_the_queue_do_not_delay_the_others(
    bad: int, refusal: Exception, end: str
) -> None:
    vendor = SimulatedVendor()

    async def story() -> Counter[str]:
        harness = virtual_time_harness([vendor])
        student = await harness.enrol()
        vendor.refusals = dict.fromkeys(await harness.add_delivery(*[student] * bad), refusal)
        await harness.add_delivery(*[student] * 100)
        return await dispatched(harness, Channel.EMAIL, until=30)

    assert run_in_virtual_time(story) == {"sent": 100, end: bad}


def test_a_mailbox_that_stays_full_is_tried_more_and_more_rarely_until_the_message_expires() -> None:
    vendor = SimulatedVendor(lambda _: RecipientUnavailable("smtp answered 552 5.2.2"))

    async def story() -> tuple[Counter[str], str]:
        harness = virtual_time_harness([vendor])
        await replace(harness.notify, lifetime=timedelta(hours=2))(a_notice(await harness.enrol()))
        states = await dispatched(harness, Channel.EMAIL, until=2.5 * 3_600)
        [delivery] = [each for each in harness.store.deliveries.values() if each.channel is Channel.EMAIL]
        assert states["pending"] == 2  # no attempt after the expiry
        assert await harness.expire() == 2
        return states, harness.store.deliveries[delivery.id].reason

    _, reason = run_in_virtual_time(story)
    assert reason == "expired; last: smtp answered 552 5.2.2"
    assert 6 <= len(vendor.calls) <= 9
    assert max(vendor.calls) < 2 * 3_600


def test_a_message_with_a_deadline_expires_with_it_while_the_vendor_is_down() -> None:
    vendor = down_between(0, 100_000)

    async def story() -> list[str]:
        harness = virtual_time_harness([vendor])
        deadline = NOON + timedelta(minutes=30)
        await harness.notify(replace(a_notice(await harness.enrol()), expires_at=deadline))
        await harness.notify(a_notice(await harness.enrol(2)))
        await dispatched(harness, Channel.EMAIL, until=1_801)
        await harness.expire()
        return [each.state for each in harness.store.deliveries.values() if each.channel is Channel.EMAIL]

    assert run_in_virtual_time(story) == ["expired", "pending"]


def test_after_the_repair_of_the_account_every_message_goes_out_by_itself_and_once() -> None:
    vendor = SimulatedVendor(lambda at: AccountFault("ses answered 400 MessageRejected") if at < 1_200 else None)

    async def story() -> NotificationsHarness:
        harness = virtual_time_harness([vendor])
        await add_delivery(harness, 200)
        assert await dispatched(harness, Channel.EMAIL, until=1_200) == {"pending": 200}
        assert await dispatched(harness, Channel.EMAIL, until=1_900) == {"sent": 200}
        return harness

    harness = run_in_virtual_time(story)
    assert Counter(vendor.accepted) == dict.fromkeys(harness.store.deliveries, 1)
    assert vendor.calls_between(0, 1_200) <= 32 + 1_200 / 60


def test_a_message_that_a_vendor_has_is_not_sent_again_after_a_second_claim() -> None:
    first, second = down_between(0, 100_000), SimulatedVendor()

    async def story() -> tuple[str, int]:
        harness = virtual_time_harness([first, second])
        [owed] = await harness.add_delivery(await harness.enrol())
        accepted = Attempt(at=NOON, vendor="vendor-0", outcome=AttemptOutcome.ACCEPTED, detail="id-1")
        harness.store.attempts[owed] = (accepted,)
        harness.store.deliveries[owed].attempts = 1
        await dispatched(harness, Channel.EMAIL, until=10)
        return harness.state(owed), len(first.calls) + len(second.calls)

    assert run_in_virtual_time(story) == ("sent", 0)

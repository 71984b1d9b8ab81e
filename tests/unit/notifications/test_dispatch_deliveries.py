import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.kernel.errors import Conflict, Unavailable
from core.kernel.unit_of_work import Transaction
from core.kernel.vendor_errors import OutcomeUnknown, Rejected, VendorUnavailable
from core.notifications import adaptive_poller as adaptive_poller
from core.notifications.attempt_log import Attempt, AttemptOutcome
from core.notifications.delivery import Channel, RecipientId
from core.notifications.dispatch_deliveries import MAX_RETRY_DELAY
from core.notifications.messages import Accepted, Contact, DeliveryId, Email
from core.notifications.ports import DELIVERIES_STORED, Contacts, ReportedDeliveries
from tests.examples import NOON, ids
from tests.unit.notifications.harness import CLAIM_DURATION, NotificationsHarness, StubEmailVendor
from tests.units_of_work import memory_work

ASHA = "asha.1@example.org"
A_DAY = timedelta(days=1)


@pytest.fixture
def harness() -> NotificationsHarness:
    return NotificationsHarness()


async def an_email(harness: NotificationsHarness) -> DeliveryId:
    [owed] = await harness.add_delivery(await harness.enrol())
    return owed


async def test_an_accepted_email_is_sent(harness: NotificationsHarness) -> None:
    owed = await an_email(harness)

    assert await harness.dispatch(Channel.EMAIL) == 1
    assert harness.state(owed) == "sent"
    [email] = harness.email.asked
    assert (email.delivery, email.to, email.subject) == (owed, ASHA, "Asha 1 (en): BF-1")


async def test_an_accepted_text_message_is_sent(harness: NotificationsHarness) -> None:
    [owed] = await harness.add_delivery(await harness.enrol(language="hi"), channel=Channel.SMS)

    assert await harness.dispatch(Channel.SMS) == 1
    assert harness.state(owed) == "sent"
    [sms] = harness.sms.asked
    assert (sms.delivery, sms.to, sms.text) == (owed, "+919800000001", "Asha 1 (hi): BF-1")


async def test_a_channel_is_blind_to_the_other(harness: NotificationsHarness) -> None:
    owed = await an_email(harness)

    assert await harness.dispatch(Channel.SMS) == 0
    assert harness.state(owed) == "pending"


async def test_what_is_sent_is_not_sent_again(harness: NotificationsHarness) -> None:
    await an_email(harness)
    await harness.dispatch(Channel.EMAIL)
    harness.clock.pass_by(A_DAY)

    assert await harness.dispatch(Channel.EMAIL) == 0
    assert len(harness.email.asked) == 1


async def test_two_dispatchers_do_not_send_the_same(harness: NotificationsHarness) -> None:
    await harness.add_delivery(*[await harness.enrol(number) for number in range(1, 6)])
    counts = await asyncio.gather(harness.dispatch(Channel.EMAIL), harness.dispatch(Channel.EMAIL))

    assert sum(counts) == 5
    assert len({email.delivery for email in harness.email.asked}) == len(harness.email.asked) == 5


async def test_what_is_not_due_waits(harness: NotificationsHarness) -> None:
    owed = await an_email(harness)
    harness.clock.pass_by(timedelta(microseconds=-1))

    assert await harness.dispatch(Channel.EMAIL) == 0
    assert harness.state(owed) == "pending"


async def test_claims_are_limited_by_vendor_capacity_and_the_longest_due_come_first(
    harness: NotificationsHarness,
) -> None:
    [last] = await harness.add_delivery(await harness.enrol(3))
    harness.clock.pass_by(timedelta(seconds=-1))
    first = await harness.add_delivery(await harness.enrol(1), await harness.enrol(2))
    harness.clock.pass_by(timedelta(seconds=1))
    harness.email.places, patience = 2, asyncio.Event()
    for number in (1, 2, 3):
        harness.email.will_answer(f"asha.{number}@example.org", patience)
    dispatching = asyncio.create_task(harness.dispatch(Channel.EMAIL))
    await harness.until(lambda: len(harness.email.asked) == 2)

    assert {each: harness.state(each) for each in (*first, last)} == dict.fromkeys(first, "sending") | {last: "pending"}
    patience.set()
    assert await dispatching == 3
    assert harness.state(last) == "sent"


async def test_while_every_breaker_is_open_no_delivery_is_claimed(harness: NotificationsHarness) -> None:
    owed = await an_email(harness)
    harness.email.places, harness.email.rests, harness.away = 0, 15.0, 1

    assert await harness.dispatch(Channel.EMAIL) == 0
    assert (harness.state(owed), harness.away) == ("pending", 1), "the database was queried"


async def test_what_falls_due_while_a_slow_call_is_under_way_does_not_wait_for_it(
    harness: NotificationsHarness,
) -> None:
    slow, patience, stop = await an_email(harness), asyncio.Event(), asyncio.Event()
    harness.email.will_answer(ASHA, patience)
    dispatching = asyncio.create_task(harness.dispatch(Channel.EMAIL, stop))
    await harness.until(lambda: len(harness.email.asked) == 1)
    [quick] = await harness.add_delivery(await harness.enrol(2))  # without a signal
    await harness.until(lambda: harness.state(quick) == "sent")

    assert harness.state(slow) == "sending"
    patience.set()
    await harness.until(lambda: harness.state(slow) == "sent")
    stop.set()
    assert await dispatching == 2


async def test_a_signal_wakes_the_dispatcher_at_once(
    harness: NotificationsHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adaptive_poller, "MIN_POLL_INTERVAL_SECONDS", 3_600.0)
    stop = asyncio.Event()
    dispatching = asyncio.create_task(harness.dispatch(Channel.EMAIL, stop))
    await asyncio.sleep(0)
    [owed] = await harness.add_delivery(await harness.enrol())
    harness.signals.notify([DELIVERIES_STORED])
    await harness.until(lambda: harness.state(owed) == "sent")
    stop.set()
    await dispatching


async def test_a_rejected_message_is_rejected_for_good_with_the_reason(harness: NotificationsHarness) -> None:
    owed = await an_email(harness)
    harness.email.will_answer(ASHA, Rejected("no such mailbox"))
    await harness.dispatch(Channel.EMAIL)
    harness.clock.pass_by(A_DAY)

    assert await harness.dispatch(Channel.EMAIL) == 0
    assert (harness.state(owed), harness.delivery(owed).reason) == ("rejected", "no such mailbox")


async def test_an_unknown_outcome_is_never_sent_again(harness: NotificationsHarness) -> None:
    owed = await an_email(harness)
    harness.email.will_answer(ASHA, OutcomeUnknown("no answer within 10 s"))
    await harness.dispatch(Channel.EMAIL)
    harness.clock.pass_by(A_DAY)
    await harness.abandon()

    assert await harness.dispatch(Channel.EMAIL) == 0
    assert (harness.state(owed), harness.delivery(owed).reason) == ("unknown", "no answer within 10 s")
    assert len(harness.email.asked) == 1


async def test_an_outage_postpones_and_is_no_end(harness: NotificationsHarness) -> None:
    owed = await an_email(harness)
    harness.email.will_answer(ASHA, VendorUnavailable("overloaded"), VendorUnavailable("overloaded"))
    await harness.dispatch(Channel.EMAIL)

    assert (harness.state(owed), harness.delivery(owed).reason) == ("pending", "overloaded")
    harness.clock.pass_by(MAX_RETRY_DELAY)
    await harness.dispatch(Channel.EMAIL)
    assert harness.state(owed) == "pending"
    harness.clock.pass_by(MAX_RETRY_DELAY)
    await harness.dispatch(Channel.EMAIL)
    assert harness.state(owed) == "sent"


async def test_no_retry_happens_before_the_retry_after_of_the_vendor(harness: NotificationsHarness) -> None:
    owed = await an_email(harness)
    harness.email.will_answer(ASHA, VendorUnavailable("too many", retry_after=3600))
    await harness.dispatch(Channel.EMAIL)
    harness.clock.pass_by(timedelta(seconds=3599.999))

    assert await harness.dispatch(Channel.EMAIL) == 0
    assert harness.state(owed) == "pending"
    harness.clock.pass_by(MAX_RETRY_DELAY)
    assert await harness.dispatch(Channel.EMAIL) == 1


async def test_however_long_the_outage_the_next_try_is_at_most_ten_minutes_away(harness: NotificationsHarness) -> None:
    owed = await an_email(harness)
    harness.email.will_answer(ASHA, *[VendorUnavailable("down")] * 40)
    for _ in range(40):
        await harness.dispatch(Channel.EMAIL)
        assert harness.clock.now() <= harness.delivery(owed).due_at <= harness.clock.now() + MAX_RETRY_DELAY
        harness.clock.pass_by(MAX_RETRY_DELAY)

    assert harness.delivery(owed).attempts == 40


async def test_the_wait_before_the_first_retry_is_at_most_a_second(harness: NotificationsHarness) -> None:
    owed = await harness.add_delivery(*[await harness.enrol(number) for number in range(1, 21)])
    for number in range(1, 21):
        harness.email.will_answer(f"asha.{number}@example.org", VendorUnavailable("down"))
    await harness.dispatch(Channel.EMAIL)

    waits = {harness.delivery(each).due_at - harness.clock.now() for each in owed}
    assert max(waits) <= timedelta(seconds=1)
    assert len(waits) > 1, "all retries would happen at the same moment"


async def test_stored_attempts_are_those_in_the_attempt_log(harness: NotificationsHarness) -> None:
    owed = await an_email(harness)
    harness.email.will_answer(ASHA, VendorUnavailable("first"), VendorUnavailable("second"))
    for _ in range(3):
        await harness.dispatch(Channel.EMAIL)
        harness.clock.pass_by(MAX_RETRY_DELAY)

    assert harness.delivery(owed).attempts == 3
    assert harness.attempts(owed) == ["first", "second", "id-3"]


async def test_no_attempt_is_spent_when_no_vendor_was_asked(harness: NotificationsHarness) -> None:
    suppressed, *_ = await harness.add_delivery(await harness.enrol(email=""))
    await harness.dispatch(Channel.EMAIL)

    assert harness.delivery(suppressed).attempts == 0
    assert harness.attempts(suppressed) == []


@pytest.mark.parametrize(("channel", "missing"), [(Channel.EMAIL, "email"), (Channel.SMS, "phone")])
async def test_a_recipient_without_an_address_is_suppressed(
    harness: NotificationsHarness, channel: Channel, missing: str
) -> None:
    [owed] = await harness.add_delivery(await harness.enrol(**{missing: ""}), channel=channel)

    assert await harness.dispatch(channel) == 1
    assert (harness.state(owed), harness.delivery(owed).reason) == ("suppressed", f"no {channel} address")
    assert not harness.email.asked
    assert not harness.sms.asked


async def test_a_recipient_missing_from_the_roster_is_suppressed(harness: NotificationsHarness) -> None:
    [owed] = await harness.add_delivery(RecipientId(ids.new()))
    await harness.dispatch(Channel.EMAIL)

    assert harness.state(owed) == "suppressed"


async def test_the_address_of_today_counts(harness: NotificationsHarness) -> None:
    await an_email(harness)
    known = harness.store.students["t-1"]
    harness.store.students["t-1"] = replace(known, enrolment=replace(known.enrolment, email="new@example.org"))
    await harness.dispatch(Channel.EMAIL)

    assert [email.to for email in harness.email.asked] == ["new@example.org"]


async def test_a_slow_message_does_not_hold_up_the_others(harness: NotificationsHarness) -> None:
    slow, *fast = await harness.add_delivery(*[await harness.enrol(number) for number in range(1, 6)])
    patience = asyncio.Event()
    harness.email.will_answer(ASHA, patience)
    dispatching = asyncio.create_task(harness.dispatch(Channel.EMAIL))
    await harness.until(lambda: all(harness.state(each) == "sent" for each in fast))

    assert harness.state(slow) == "sending"
    patience.set()
    assert await dispatching == 5
    assert harness.state(slow) == "sent"


async def test_no_transaction_is_open_while_a_vendor_is_asked(harness: NotificationsHarness) -> None:
    await an_email(harness)
    patience = asyncio.Event()
    harness.email.will_answer(ASHA, patience)
    dispatching = asyncio.create_task(harness.dispatch(Channel.EMAIL))
    await harness.until(lambda: bool(harness.email.asked))

    assert not harness.store.lock.locked()
    patience.set()
    await dispatching


async def test_a_missing_template_is_a_defect_and_not_an_outage(harness: NotificationsHarness) -> None:
    student = await harness.enrol()
    [wordless] = await harness.add_delivery(student, template="no-such-template")
    [fine] = await harness.add_delivery(student)

    assert await harness.dispatch(Channel.EMAIL) == 2
    assert (harness.state(wordless), harness.state(fine)) == ("rejected", "sent")
    assert "there is no such template" in harness.delivery(wordless).reason
    assert harness.attempts(wordless) == []


async def test_a_defect_in_one_delivery_leaves_that_one_unknown_and_settles_the_others(
    harness: NotificationsHarness,
) -> None:
    broken, *fine = await harness.add_delivery(*[await harness.enrol(number) for number in range(1, 6)])
    patience = asyncio.Event()
    harness.email.will_answer("asha.5@example.org", patience)
    harness.email.will_answer(ASHA, RuntimeError("a bug"))
    dispatching = asyncio.create_task(harness.dispatch(Channel.EMAIL))
    await harness.until(lambda: harness.state(broken) != "sending")
    patience.set()

    assert await dispatching == 5
    assert (harness.state(broken), harness.delivery(broken).reason) == ("unknown", "RuntimeError: a bug")
    assert [harness.state(each) for each in fine] == ["sent"] * 4
    assert harness.attempts(broken) == ["a bug"]


class AwayContacts(Contacts):
    """A roster that is unavailable."""

    async def of(self, recipients: Collection[RecipientId]) -> Mapping[RecipientId, Contact]:
        raise Unavailable("the roster is away")


async def test_an_outage_before_any_vendor_was_asked_leaves_everything_as_it_was(harness: NotificationsHarness) -> None:
    owed = await an_email(harness)
    with pytest.raises(Unavailable):
        await replace(harness.dispatch, contacts=AwayContacts())(Channel.EMAIL)
    harness.clock.pass_by(CLAIM_DURATION)
    await harness.abandon()

    assert harness.state(owed) == "pending"
    assert await harness.dispatch(Channel.EMAIL) == 1
    assert harness.state(owed) == "sent"


async def test_what_a_vendor_answered_while_the_database_is_away_is_stored_when_it_is_back(
    harness: NotificationsHarness,
) -> None:
    first, second = await harness.add_delivery(await harness.enrol(1), await harness.enrol(2))
    patience = asyncio.Event()
    harness.email.will_answer("asha.1@example.org", patience)
    harness.email.will_answer("asha.2@example.org", patience)
    dispatching = asyncio.create_task(harness.dispatch(Channel.EMAIL))
    await harness.until(lambda: len(harness.email.asked) == 2)
    harness.away = 2
    patience.set()

    assert await dispatching == 2
    assert (harness.away, harness.state(first), harness.state(second)) == (0, "sent", "sent")
    assert (harness.attempts(first), harness.attempts(second)) == (["id-2"], ["id-2"])


async def test_a_permanent_database_outage_is_logged_and_leaves_the_outcome_unknown(
    harness: NotificationsHarness,
) -> None:
    owed, patience = await an_email(harness), asyncio.Event()
    harness.dispatch = replace(harness.dispatch, leases=dict.fromkeys(Channel, timedelta(seconds=1)))
    harness.email.will_answer(ASHA, patience)
    dispatching = asyncio.create_task(harness.dispatch(Channel.EMAIL))
    await harness.until(lambda: len(harness.email.asked) == 1)
    harness.away = 1_000
    patience.set()
    with pytest.raises(Unavailable):
        await dispatching

    assert harness.state(owed) == "sending"
    harness.away = 0
    harness.clock.pass_by(CLAIM_DURATION)
    await harness.abandon()
    assert harness.state(owed) == "unknown"


async def test_while_reports_cannot_be_read_no_vendor_is_called_and_the_message_waits(
    harness: NotificationsHarness,
) -> None:
    class UnreadableReports(ReportedDeliveries):
        async def among(self, deliveries: Collection[DeliveryId]) -> Collection[DeliveryId]:
            raise Unavailable("no database")

    class AskingVendor(StubEmailVendor):
        async def send(self, message: Email) -> Accepted:
            assert message.still_claimed
            await message.still_claimed()
            return await super().send(message)

    owed = await an_email(harness)
    harness.email.will_answer(ASHA, VendorUnavailable("503"))
    await harness.dispatch(Channel.EMAIL)
    harness.clock.pass_by(A_DAY)
    vendor = AskingVendor(harness.attempt_log, harness.clock, harness.rings)
    dispatch = replace(harness.dispatch, email=vendor, reported_deliveries=UnreadableReports())
    await dispatch(Channel.EMAIL)

    assert (harness.state(owed), vendor.asked) == ("pending", [])


async def test_a_claim_with_an_unacknowledged_commit_is_released_because_no_vendor_was_called(
    harness: NotificationsHarness,
) -> None:
    owed, unanswered = await an_email(harness), [True]

    def new_work(*, within: Transaction | None = None) -> Any:
        work = memory_work(harness.store, harness.clock, ids, within=within)
        commit = work.commit

        async def commit_without_answer() -> None:
            await commit()
            if unanswered.pop() if unanswered else False:
                raise Unavailable("the connection was cut")

        work.commit = commit_without_answer
        return work

    await replace(harness.dispatch, new_work=new_work)(Channel.EMAIL)

    assert (unanswered, harness.state(owed), harness.email.asked) == ([], "pending", [])
    assert await harness.dispatch(Channel.EMAIL) == 1
    assert harness.state(owed) == "sent"


async def test_an_unstorable_outcome_does_not_block_other_deliveries(harness: NotificationsHarness) -> None:
    owed = await harness.add_delivery(*[await harness.enrol(number) for number in range(1, 6)])
    harness.unstorable = owed[2]
    with pytest.raises(Conflict):
        await harness.dispatch(Channel.EMAIL)

    assert [harness.state(each) for each in owed] == ["sent", "sent", "sending", "sent", "sent"]


class SilentVendor(StubEmailVendor):
    """A vendor that takes one call and never answers; the other calls wait for it."""

    def __init__(self, harness: NotificationsHarness) -> None:
        super().__init__(harness.attempt_log, harness.clock, harness.rings)
        self.called = asyncio.Event()
        self.first: DeliveryId | None = None

    async def send(self, message: Email) -> Accepted:
        if self.first is None:
            self.first = message.delivery
            self.called.set()
        try:
            await asyncio.Event().wait()
        finally:
            if message.delivery == self.first:
                attempt = Attempt(at=NOON, vendor="ses", outcome=AttemptOutcome.UNKNOWN, detail="cut short")
                self.attempt_log.record(message.delivery, attempt)
        raise AssertionError


async def test_on_shutdown_calls_in_flight_are_unknown_and_unsent_deliveries_stay_pending(
    harness: NotificationsHarness,
) -> None:
    vendor, stop = SilentVendor(harness), asyncio.Event()
    owed = await harness.add_delivery(await harness.enrol(1), await harness.enrol(2))
    async with asyncio.timeout(5):
        dispatching = asyncio.create_task(replace(harness.dispatch, email=vendor)(Channel.EMAIL, stop))
        await vendor.called.wait()
        stop.set()
        await dispatching

    assert {delivery: harness.state(delivery) for delivery in owed} == {
        delivery: "unknown" if delivery == vendor.first else "pending" for delivery in owed
    }

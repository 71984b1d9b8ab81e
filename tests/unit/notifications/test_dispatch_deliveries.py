import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.memory.unit_of_work import MemoryUnitOfWork
from core.kernel.errors import Conflict, Unavailable
from core.notifications import adaptive_poller as adaptive_poller
from core.notifications.attempt_log import Attempt, AttemptOutcome
from core.notifications.delivery import Channel, RecipientId
from core.notifications.dispatch_deliveries import MAX_RETRY_DELAY
from core.notifications.errors import OutcomeUnknown, Rejected, VendorUnavailable
from core.notifications.messages import Accepted, Contact, DeliveryId, Email
from core.notifications.ports import DELIVERIES_STORED, Contacts
from tests.examples import NOON, ids
from tests.unit.notifications.harness import CLAIM_DURATION, NotificationsHarness, StubEmailVendor

ASHA = "asha.1@example.org"
A_DAY = timedelta(days=1)


@pytest.fixture
def room() -> NotificationsHarness:
    return NotificationsHarness()


async def an_email(room: NotificationsHarness) -> DeliveryId:
    [owed] = await room.add_delivery(await room.enrol())
    return owed


async def test_an_accepted_email_is_sent(room: NotificationsHarness) -> None:
    owed = await an_email(room)

    assert await room.dispatch(Channel.EMAIL) == 1
    assert room.state(owed) == "sent"
    [email] = room.email.asked
    assert (email.delivery, email.to, email.subject) == (owed, ASHA, "Asha 1 (en): BF-1")


async def test_an_accepted_text_message_is_sent(room: NotificationsHarness) -> None:
    [owed] = await room.add_delivery(await room.enrol(language="hi"), channel=Channel.SMS)

    assert await room.dispatch(Channel.SMS) == 1
    assert room.state(owed) == "sent"
    [sms] = room.sms.asked
    assert (sms.delivery, sms.to, sms.text) == (owed, "+919800000001", "Asha 1 (hi): BF-1")


async def test_a_channel_is_blind_to_the_other(room: NotificationsHarness) -> None:
    owed = await an_email(room)

    assert await room.dispatch(Channel.SMS) == 0
    assert room.state(owed) == "pending"


async def test_what_is_sent_is_not_sent_again(room: NotificationsHarness) -> None:
    await an_email(room)
    await room.dispatch(Channel.EMAIL)
    room.clock.pass_by(A_DAY)

    assert await room.dispatch(Channel.EMAIL) == 0
    assert len(room.email.asked) == 1


async def test_two_dispatchers_do_not_send_the_same(room: NotificationsHarness) -> None:
    await room.add_delivery(*[await room.enrol(number) for number in range(1, 6)])
    counts = await asyncio.gather(room.dispatch(Channel.EMAIL), room.dispatch(Channel.EMAIL))

    assert sum(counts) == 5
    assert len({email.delivery for email in room.email.asked}) == len(room.email.asked) == 5


async def test_what_is_not_due_waits(room: NotificationsHarness) -> None:
    owed = await an_email(room)
    room.clock.pass_by(timedelta(microseconds=-1))

    assert await room.dispatch(Channel.EMAIL) == 0
    assert room.state(owed) == "pending"


async def test_claims_are_limited_by_vendor_capacity_and_the_longest_due_come_first(room: NotificationsHarness) -> None:
    [last] = await room.add_delivery(await room.enrol(3))
    room.clock.pass_by(timedelta(seconds=-1))
    first = await room.add_delivery(await room.enrol(1), await room.enrol(2))
    room.clock.pass_by(timedelta(seconds=1))
    room.email.places, patience = 2, asyncio.Event()
    for number in (1, 2, 3):
        room.email.will_answer(f"asha.{number}@example.org", patience)
    dispatching = asyncio.create_task(room.dispatch(Channel.EMAIL))
    await room.until(lambda: len(room.email.asked) == 2)

    assert {each: room.state(each) for each in (*first, last)} == dict.fromkeys(first, "sending") | {last: "pending"}
    patience.set()
    assert await dispatching == 3
    assert room.state(last) == "sent"


async def test_while_every_breaker_is_open_no_delivery_is_claimed(room: NotificationsHarness) -> None:
    owed = await an_email(room)
    room.email.places, room.email.rests, room.away = 0, 15.0, 1

    assert await room.dispatch(Channel.EMAIL) == 0
    assert (room.state(owed), room.away) == ("pending", 1), "the database was asked"


async def test_what_falls_due_while_a_slow_call_is_under_way_does_not_wait_for_it(room: NotificationsHarness) -> None:
    slow, patience, stop = await an_email(room), asyncio.Event(), asyncio.Event()
    room.email.will_answer(ASHA, patience)
    dispatching = asyncio.create_task(room.dispatch(Channel.EMAIL, stop))
    await room.until(lambda: len(room.email.asked) == 1)
    [quick] = await room.add_delivery(await room.enrol(2))  # and nobody rings
    await room.until(lambda: room.state(quick) == "sent")

    assert room.state(slow) == "sending"
    patience.set()
    await room.until(lambda: room.state(slow) == "sent")
    stop.set()
    assert await dispatching == 2


async def test_a_signal_wakes_the_dispatcher_at_once(
    room: NotificationsHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adaptive_poller, "MIN_POLL_INTERVAL_SECONDS", 3_600.0)
    stop = asyncio.Event()
    dispatching = asyncio.create_task(room.dispatch(Channel.EMAIL, stop))
    await asyncio.sleep(0)
    [owed] = await room.add_delivery(await room.enrol())
    room.signals.ring([DELIVERIES_STORED])
    await room.until(lambda: room.state(owed) == "sent")
    stop.set()
    await dispatching


async def test_a_rejected_message_is_rejected_for_good_with_the_reason(room: NotificationsHarness) -> None:
    owed = await an_email(room)
    room.email.will_answer(ASHA, Rejected("no such mailbox"))
    await room.dispatch(Channel.EMAIL)
    room.clock.pass_by(A_DAY)

    assert await room.dispatch(Channel.EMAIL) == 0
    assert (room.state(owed), room.delivery(owed).reason) == ("rejected", "no such mailbox")


async def test_an_unknown_outcome_is_never_sent_again(room: NotificationsHarness) -> None:
    owed = await an_email(room)
    room.email.will_answer(ASHA, OutcomeUnknown("no answer within 10 s"))
    await room.dispatch(Channel.EMAIL)
    room.clock.pass_by(A_DAY)
    await room.abandon()

    assert await room.dispatch(Channel.EMAIL) == 0
    assert (room.state(owed), room.delivery(owed).reason) == ("unknown", "no answer within 10 s")
    assert len(room.email.asked) == 1


async def test_an_outage_postpones_and_is_no_end(room: NotificationsHarness) -> None:
    owed = await an_email(room)
    room.email.will_answer(ASHA, VendorUnavailable("overloaded"), VendorUnavailable("overloaded"))
    await room.dispatch(Channel.EMAIL)

    assert (room.state(owed), room.delivery(owed).reason) == ("pending", "overloaded")
    room.clock.pass_by(MAX_RETRY_DELAY)
    await room.dispatch(Channel.EMAIL)
    assert room.state(owed) == "pending"
    room.clock.pass_by(MAX_RETRY_DELAY)
    await room.dispatch(Channel.EMAIL)
    assert room.state(owed) == "sent"


async def test_no_retry_happens_before_the_retry_after_of_the_vendor(room: NotificationsHarness) -> None:
    owed = await an_email(room)
    room.email.will_answer(ASHA, VendorUnavailable("too many", retry_after=3600))
    await room.dispatch(Channel.EMAIL)
    room.clock.pass_by(timedelta(seconds=3599.999))

    assert await room.dispatch(Channel.EMAIL) == 0
    assert room.state(owed) == "pending"
    room.clock.pass_by(MAX_RETRY_DELAY)
    assert await room.dispatch(Channel.EMAIL) == 1


async def test_however_long_the_outage_the_next_try_is_at_most_ten_minutes_away(room: NotificationsHarness) -> None:
    owed = await an_email(room)
    room.email.will_answer(ASHA, *[VendorUnavailable("down")] * 40)
    for _ in range(40):
        await room.dispatch(Channel.EMAIL)
        assert room.clock.now() <= room.delivery(owed).due_at <= room.clock.now() + MAX_RETRY_DELAY
        room.clock.pass_by(MAX_RETRY_DELAY)

    assert room.delivery(owed).attempts == 40


async def test_the_wait_before_the_first_retry_is_at_most_a_second(room: NotificationsHarness) -> None:
    owed = await room.add_delivery(*[await room.enrol(number) for number in range(1, 21)])
    for number in range(1, 21):
        room.email.will_answer(f"asha.{number}@example.org", VendorUnavailable("down"))
    await room.dispatch(Channel.EMAIL)

    waits = {room.delivery(each).due_at - room.clock.now() for each in owed}
    assert max(waits) <= timedelta(seconds=1)
    assert len(waits) > 1, "they would all come back at the same moment"


async def test_attempts_are_those_the_journal_knows(room: NotificationsHarness) -> None:
    owed = await an_email(room)
    room.email.will_answer(ASHA, VendorUnavailable("first"), VendorUnavailable("second"))
    for _ in range(3):
        await room.dispatch(Channel.EMAIL)
        room.clock.pass_by(MAX_RETRY_DELAY)

    assert room.delivery(owed).attempts == 3
    assert room.attempts(owed) == ["first", "second", "id-3"]


async def test_no_attempt_is_spent_when_no_vendor_was_asked(room: NotificationsHarness) -> None:
    suppressed, *_ = await room.add_delivery(await room.enrol(email=""))
    await room.dispatch(Channel.EMAIL)

    assert room.delivery(suppressed).attempts == 0
    assert room.attempts(suppressed) == []


@pytest.mark.parametrize(("channel", "missing"), [(Channel.EMAIL, "email"), (Channel.SMS, "phone")])
async def test_a_recipient_without_an_address_is_suppressed(
    room: NotificationsHarness, channel: Channel, missing: str
) -> None:
    [owed] = await room.add_delivery(await room.enrol(**{missing: ""}), channel=channel)

    assert await room.dispatch(channel) == 1
    assert (room.state(owed), room.delivery(owed).reason) == ("suppressed", f"no {channel} address")
    assert not room.email.asked
    assert not room.sms.asked


async def test_a_recipient_missing_from_the_roster_is_suppressed(room: NotificationsHarness) -> None:
    [owed] = await room.add_delivery(RecipientId(ids.new()))
    await room.dispatch(Channel.EMAIL)

    assert room.state(owed) == "suppressed"


async def test_the_address_of_today_counts(room: NotificationsHarness) -> None:
    await an_email(room)
    known = room.store.students["T-1"]
    room.store.students["T-1"] = replace(known, enrolment=replace(known.enrolment, email="new@example.org"))
    await room.dispatch(Channel.EMAIL)

    assert [email.to for email in room.email.asked] == ["new@example.org"]


async def test_a_slow_message_does_not_hold_up_the_others(room: NotificationsHarness) -> None:
    slow, *fast = await room.add_delivery(*[await room.enrol(number) for number in range(1, 6)])
    patience = asyncio.Event()
    room.email.will_answer(ASHA, patience)
    dispatching = asyncio.create_task(room.dispatch(Channel.EMAIL))
    await room.until(lambda: all(room.state(each) == "sent" for each in fast))

    assert room.state(slow) == "sending"
    patience.set()
    assert await dispatching == 5
    assert room.state(slow) == "sent"


async def test_no_transaction_is_open_while_a_vendor_is_asked(room: NotificationsHarness) -> None:
    await an_email(room)
    patience = asyncio.Event()
    room.email.will_answer(ASHA, patience)
    dispatching = asyncio.create_task(room.dispatch(Channel.EMAIL))
    await room.until(lambda: bool(room.email.asked))

    assert not room.store.lock.locked()
    patience.set()
    await dispatching


async def test_a_missing_template_is_a_defect_and_not_an_outage(room: NotificationsHarness) -> None:
    student = await room.enrol()
    [wordless] = await room.add_delivery(student, template="no-such-template")
    [fine] = await room.add_delivery(student)

    assert await room.dispatch(Channel.EMAIL) == 2
    assert (room.state(wordless), room.state(fine)) == ("rejected", "sent")
    assert "there is no such template" in room.delivery(wordless).reason
    assert room.attempts(wordless) == []


async def test_a_defect_in_one_delivery_leaves_that_one_unknown_and_settles_the_others(
    room: NotificationsHarness,
) -> None:
    broken, *fine = await room.add_delivery(*[await room.enrol(number) for number in range(1, 6)])
    patience = asyncio.Event()
    room.email.will_answer("asha.5@example.org", patience)
    room.email.will_answer(ASHA, RuntimeError("a bug"))
    dispatching = asyncio.create_task(room.dispatch(Channel.EMAIL))
    await room.until(lambda: room.state(broken) != "sending")
    patience.set()

    assert await dispatching == 5
    assert (room.state(broken), room.delivery(broken).reason) == ("unknown", "RuntimeError: a bug")
    assert [room.state(each) for each in fine] == ["sent"] * 4
    assert room.attempts(broken) == ["a bug"]


class AwayContacts(Contacts):
    """A roster that is away."""

    async def of(self, recipients: Collection[RecipientId]) -> Mapping[RecipientId, Contact]:
        raise Unavailable("the roster is away")


async def test_an_outage_before_any_vendor_was_asked_leaves_everything_as_it_was(room: NotificationsHarness) -> None:
    owed = await an_email(room)
    with pytest.raises(Unavailable):
        await replace(room.dispatch, contacts=AwayContacts())(Channel.EMAIL)
    room.clock.pass_by(CLAIM_DURATION)
    await room.abandon()

    assert room.state(owed) == "pending"
    assert await room.dispatch(Channel.EMAIL) == 1
    assert room.state(owed) == "sent"


async def test_what_a_vendor_answered_while_the_database_is_away_is_stored_when_it_is_back(
    room: NotificationsHarness,
) -> None:
    first, second = await room.add_delivery(await room.enrol(1), await room.enrol(2))
    patience = asyncio.Event()
    room.email.will_answer("asha.1@example.org", patience)
    room.email.will_answer("asha.2@example.org", patience)
    dispatching = asyncio.create_task(room.dispatch(Channel.EMAIL))
    await room.until(lambda: len(room.email.asked) == 2)
    room.away = 2
    patience.set()

    assert await dispatching == 2
    assert (room.away, room.state(first), room.state(second)) == (0, "sent", "sent")
    assert (room.attempts(first), room.attempts(second)) == (["id-2"], ["id-2"])


async def test_a_permanent_database_outage_is_logged_and_leaves_the_outcome_unknown(room: NotificationsHarness) -> None:
    owed, patience = await an_email(room), asyncio.Event()
    room.dispatch = replace(room.dispatch, lease=timedelta(seconds=1))
    room.email.will_answer(ASHA, patience)
    dispatching = asyncio.create_task(room.dispatch(Channel.EMAIL))
    await room.until(lambda: len(room.email.asked) == 1)
    room.away = 1_000
    patience.set()
    with pytest.raises(Unavailable):
        await dispatching

    assert room.state(owed) == "sending"
    room.away = 0
    room.clock.pass_by(CLAIM_DURATION)
    await room.abandon()
    assert room.state(owed) == "unknown"


async def test_a_claim_with_an_unacknowledged_commit_is_released_because_no_vendor_was_called(
    room: NotificationsHarness,
) -> None:
    owed, unanswered = await an_email(room), [True]

    class Unanswered(MemoryUnitOfWork):
        async def commit(self) -> None:
            await super().commit()
            if unanswered.pop() if unanswered else False:
                raise Unavailable("the connection was cut")

    def new_work() -> Unanswered:
        return Unanswered(room.store, lambda _: None, room.clock, ids)

    await replace(room.dispatch, new_work=new_work)(Channel.EMAIL)

    assert (unanswered, room.state(owed), room.email.asked) == ([], "pending", [])
    assert await room.dispatch(Channel.EMAIL) == 1
    assert room.state(owed) == "sent"


async def test_an_unstorable_outcome_does_not_block_other_deliveries(room: NotificationsHarness) -> None:
    owed = await room.add_delivery(*[await room.enrol(number) for number in range(1, 6)])
    room.unstorable = owed[2]
    with pytest.raises(Conflict):
        await room.dispatch(Channel.EMAIL)

    assert [room.state(each) for each in owed] == ["sent", "sent", "sending", "sent", "sent"]


class SilentVendor(StubEmailVendor):
    """A vendor that takes one call and never answers; everybody else waits in the queue before it."""

    def __init__(self, room: NotificationsHarness) -> None:
        super().__init__(room.journal, room.clock, room.rings)
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
                self.journal.note(message.delivery, attempt)
        raise AssertionError


async def test_on_shutdown_calls_in_flight_are_unknown_and_unsent_deliveries_stay_pending(
    room: NotificationsHarness,
) -> None:
    vendor, stop = SilentVendor(room), asyncio.Event()
    owed = await room.add_delivery(await room.enrol(1), await room.enrol(2))
    async with asyncio.timeout(5):
        dispatching = asyncio.create_task(replace(room.dispatch, email=vendor)(Channel.EMAIL, stop))
        await vendor.called.wait()
        stop.set()
        await dispatching

    assert {delivery: room.state(delivery) for delivery in owed} == {
        delivery: "unknown" if delivery == vendor.first else "pending" for delivery in owed
    }

"""The contract of `InDoubtDeliveries` and `DeliveryList`, for every adapter."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from config.container import Application
from core.kernel.decisions import Decision
from core.kernel.errors import Invalid
from core.kernel.pace import Pace
from core.kernel.period import Period
from core.notifications.attempt_log import Attempt, AttemptOutcome
from core.notifications.delivery import Channel, Delivery, DeliveryState
from core.notifications.delivery_list import DeliveryFilter
from core.notifications.errors import NotResendable
from core.notifications.list_deliveries import ListDeliveries
from core.notifications.messages import DeliveryId
from core.notifications.resend_delivery import FAILED_STATES, RESENDABLE_STATES
from core.notifications.settle_delivery import Settlement, Verdict
from core.notifications.status_reports import DeliveryStatus, StatusReport, VendorReport
from tests.examples import NOON, StoppedClock, a_delivery, a_submission
from tests.units_of_work import any_work

LATER = NOON + timedelta(minutes=10)
UNKNOWN, UNDECIDED = DeliveryState.UNKNOWN, DeliveryState.UNDECIDED


async def add(application: Application, *deliveries: Delivery) -> None:
    async with any_work(application) as work:
        for delivery in deliveries:
            work.deliveries.add(delivery)
        await work.commit()


async def save(application: Application, delivery: Delivery) -> None:
    async with any_work(application) as work:
        await work.in_doubt_deliveries.save(delivery)
        await work.commit()


async def find(application: Application, delivery: DeliveryId) -> Delivery:
    async with any_work(application) as work:
        found = await work.in_doubt_deliveries.find(delivery)
    assert found is not None
    return found


async def take(application: Application, limit: int = 10) -> list[Delivery]:
    async with any_work(application) as work:
        taken = list(await work.in_doubt_deliveries.due(NOON, limit))
        for delivery in taken:
            delivery.claim_for_lookup(NOON, LATER)
            await work.in_doubt_deliveries.save(delivery)
        await work.commit()
    return taken


async def test_only_due_unknown_deliveries_are_claimed_for_reconciliation_on_every_channel(stored: Application) -> None:
    due = a_delivery(state=UNKNOWN), a_delivery(Channel.SMS, state=UNKNOWN)
    others = [a_delivery(state=state) for state in DeliveryState if state is not UNKNOWN]
    await add(stored, *due, *others, a_delivery(state=UNKNOWN, due_at=NOON + timedelta(microseconds=1)))

    assert {each.id for each in await take(stored)} == {each.id for each in due}
    assert await take(stored) == []


async def test_an_in_doubt_delivery_is_claimed_by_one_reconciler(stored: Application) -> None:
    await add(stored, *(a_delivery(channel, state=UNKNOWN) for channel in Channel for _ in range(6)))

    async def take_all() -> list[DeliveryId]:
        mine = []
        while some := await take(stored, limit=5):
            assert len(some) <= 5
            mine += [each.id for each in some]
        return mine

    ids = [each for taken in await asyncio.gather(*(take_all() for _ in range(4))) for each in taken]
    assert len(ids) == len(set(ids)) == 12


async def test_a_claim_records_when_the_doubt_began(stored: Application) -> None:
    await add(stored, delivery := a_delivery(state=UNKNOWN))
    assert delivery.in_doubt_since is None
    await take(stored)

    found = await find(stored, delivery.id)
    assert (found.in_doubt_since, found.due_at, found.state) == (NOON, LATER, UNKNOWN)
    assert (found.notice, found.facts, found.recipient) == (delivery.notice, delivery.facts, delivery.recipient)


async def test_an_uncommitted_reconciliation_claim_leaves_the_delivery_unclaimed(stored: Application) -> None:
    await add(stored, a_delivery(state=UNKNOWN))
    async with any_work(stored) as work:
        for delivery in await work.in_doubt_deliveries.due(NOON, 10):
            delivery.claim_for_lookup(NOON, LATER)
            await work.in_doubt_deliveries.save(delivery)

    assert len(await take(stored)) == 1


async def test_delivery_attempts_are_listed_in_order_for_that_delivery_only(stored: Application) -> None:
    await add(stored, delivery := a_delivery(), other := a_delivery())
    calls = [
        Attempt(at=NOON, vendor="ses", outcome=AttemptOutcome.UNAVAILABLE, detail="throttled"),
        Attempt(at=NOON, vendor="smtp", outcome=AttemptOutcome.UNKNOWN, detail="no answer"),
    ]
    delivery.record_attempts(*calls)
    other.record_attempts(calls[0])
    async with any_work(stored) as work:
        await work.deliveries.save([delivery, other])
        await work.commit()
    async with any_work(stored) as work:
        assert list(await work.in_doubt_deliveries.attempts(delivery.id)) == calls


async def test_nothing_is_found_where_nothing_is(stored: Application) -> None:
    async with any_work(stored) as work:
        assert await work.in_doubt_deliveries.find(DeliveryId(UUID(int=7))) is None
        assert await work.in_doubt_deliveries.due(NOON, 10) == []


async def test_a_status_report_appears_on_the_timeline(stored: Application) -> None:
    submission, _ = a_submission()
    await add(stored, delivery := a_delivery(Channel.SMS, about=submission.id, state=UNKNOWN))
    async with any_work(stored) as work:
        work.submissions.add(submission)
        await work.commit()
    told = StatusReport(at=LATER, learnt=DeliveryStatus.SETTLED, detail="sent, says Ravi: seen")
    delivery.resolve(DeliveryState.SENT, told)
    await save(stored, delivery)
    delivery.apply_report(
        VendorReport("twilio", "SM7", DeliveryStatus.DELIVERED, "x" * 600), LATER + timedelta(seconds=1)
    )
    await save(stored, delivery)

    fee = await stored.fees.exam_fees().find(submission.id)
    assert fee is not None
    found = await find(stored, delivery.id)
    assert (found.state, found.in_doubt_since, found.reason[:500]) == (DeliveryState.DELIVERED, None, "x" * 500)
    assert [(entry.what, entry.vendor, entry.vendor_id) for entry in fee.timeline[1:]] == [
        ("sms settled", "", ""),
        ("sms delivered", "twilio", "SM7"),
    ]
    assert fee.timeline[1].detail == told.detail


async def test_what_is_pending_again_can_be_claimed_once(stored: Application) -> None:
    await add(stored, delivery := a_delivery(state=UNKNOWN, due_at=LATER))
    delivery.resolve(
        DeliveryState.PENDING, StatusReport(at=NOON, learnt=DeliveryStatus.ABSENT, detail="no vendor has it")
    )
    await save(stored, delivery)

    for count in (1, 0):
        async with any_work(stored) as work:
            assert len(await work.deliveries.claim(Channel.EMAIL, NOON, LATER, 10)) == count
            await work.commit()


@pytest.mark.parametrize("ended", [DeliveryStatus.FOUND, DeliveryStatus.DELIVERED, DeliveryStatus.BOUNCED])
async def test_a_late_sender_does_not_reopen_a_final_delivery(stored: Application, ended: DeliveryStatus) -> None:
    await add(stored, a_delivery())
    async with any_work(stored) as work:
        [claimed_delivery] = await work.deliveries.claim(Channel.EMAIL, NOON, LATER, 1)
        await work.commit()
    found = await find(stored, claimed_delivery.id)
    found.apply_report(VendorReport("ses", "7", ended), NOON)
    await save(stored, found)
    claimed_delivery.record_attempts(Attempt(at=NOON, vendor="ses", outcome=AttemptOutcome.UNAVAILABLE, detail="away"))
    claimed_delivery.postpone(NOON, "away")
    async with any_work(stored) as work:
        await work.deliveries.save([claimed_delivery])
        await work.commit()

    assert (await find(stored, claimed_delivery.id)).state is found.state
    async with any_work(stored) as work:
        assert not await work.deliveries.claim(Channel.EMAIL, LATER, LATER, 10)
        assert (
            len(await work.in_doubt_deliveries.attempts(claimed_delivery.id)) == 1
        )  # the attempts are listed all the same


async def test_of_two_concurrent_decisions_one_is_refused(stored: Application) -> None:
    await add(stored, delivery := a_delivery(state=UNDECIDED))
    settle = stored.use_cases().notifications.settle_delivery

    async def decide(decision: str) -> str:
        try:
            await settle(str(delivery.id), Settlement(verdict=Verdict(decision), who="Ravi", why="seen"))
        except Exception as error:
            return type(error).__name__
        return "done"

    ends = await asyncio.gather(*(decision for _ in range(5) for decision in (decide("sent"), decide("not-sent"))))
    assert sorted(ends) == ["DeliverySettled"] * 9 + ["done"]


async def test_pages_follow_each_other_over_both_channels_without_gap_or_repetition(stored: Application) -> None:
    channels = [Channel.EMAIL, Channel.SMS, Channel.SMS, Channel.EMAIL, Channel.SMS, Channel.EMAIL, Channel.SMS]
    # three of them are due at the same moment
    due = [NOON + timedelta(seconds=max(0, number - 2)) for number in range(7)]
    made = [a_delivery(ch, state=UNDECIDED, due_at=at) for ch, at in zip(channels, due, strict=True)]
    await add(stored, *reversed(made), a_delivery(), a_delivery(state=UNKNOWN))
    look, seen, after = ListDeliveries(stored.notifications.delivery_list()), [], None
    for _ in range(4):
        page = await look(DeliveryFilter(), after, 2)
        seen += [each.id for each in page.items]
        after = page.next

    assert after is None
    assert seen == [each.id for each in made]


async def test_the_list_is_of_one_state_one_channel_and_a_time(stored: Application) -> None:
    old, new = a_delivery(state=UNDECIDED, due_at=NOON - timedelta(days=1)), a_delivery(state=UNDECIDED)
    await add(stored, old, new, a_delivery(Channel.SMS, state=UNDECIDED), a_delivery(state=UNKNOWN))
    look = ListDeliveries(stored.notifications.delivery_list())

    async def found(search: DeliveryFilter) -> list[DeliveryId]:
        return [each.id for each in (await look(search, None, 10)).items]

    assert await found(DeliveryFilter(channel=Channel.EMAIL)) == [old.id, new.id]
    assert await found(DeliveryFilter(channel=Channel.EMAIL, due=Period(since=NOON))) == [new.id]
    assert await found(DeliveryFilter(channel=Channel.EMAIL, due=Period(until=NOON))) == [old.id]
    assert len(await found(DeliveryFilter())) == 3
    assert len(await found(DeliveryFilter(state=UNKNOWN))) == 1
    assert await found(DeliveryFilter(state=UNKNOWN, channel=Channel.SMS)) == []


async def test_failed_deliveries_are_previewed_resent_by_filter_and_stay_auditable(stored: Application) -> None:
    rejected = [a_delivery(state=DeliveryState.REJECTED, due_at=NOON - timedelta(seconds=n)) for n in range(1, 4)]
    by_ses = a_delivery(state=DeliveryState.REJECTED, template="out_of_stock", due_at=NOON - timedelta(days=1))
    expired = a_delivery(Channel.SMS, state=DeliveryState.EXPIRED, due_at=NOON - timedelta(days=2))
    states = [each for each in DeliveryState if each not in FAILED_STATES]
    await add(stored, *rejected, by_ses, expired, *(a_delivery(state=each, due_at=expired.due_at) for each in states))
    async with any_work(stored) as work:
        by_ses.record_attempts(Attempt(at=NOON, vendor="ses", outcome=AttemptOutcome.REJECTED, detail="spam"))
        await work.deliveries.save([by_ses])
        await work.commit()
    use_cases = stored.use_cases().notifications
    preview = replace(use_cases.preview_resend, clock=StoppedClock())
    resend = replace(use_cases.resend_delivery, clock=StoppedClock())

    async def count(search: DeliveryFilter) -> int:
        return (await preview(search)).count

    assert await count(DeliveryFilter()) == 5
    assert await count(DeliveryFilter(channel=Channel.SMS)) == 1
    assert await count(DeliveryFilter(template="out_of_stock")) == 1
    assert await count(DeliveryFilter(vendor="ses")) == 1
    assert await count(DeliveryFilter(vendor="smtp")) == 0
    assert await count(DeliveryFilter(due=Period(since=NOON - timedelta(minutes=1)))) == 3
    found = await preview(DeliveryFilter())
    assert {(each.state, each.channel, each.template, each.count) for each in found.groups} == {
        (DeliveryState.REJECTED, Channel.EMAIL, "fee_submitted", 3),
        (DeliveryState.REJECTED, Channel.EMAIL, "out_of_stock", 1),
        (DeliveryState.EXPIRED, Channel.SMS, "fee_submitted", 1),
    }

    decision, seen = Decision(who="Asha", why="the sender is verified"), list[DeliveryId]()
    await use_cases.resend_deliveries(found, resend, decision, Pace(), lambda name, _: seen.append(name))
    assert len(seen) == len(set(seen)) == 5
    assert await count(DeliveryFilter()) == 0
    again = await find(stored, by_ses.id)
    assert (again.state, again.due_at, again.expires_at) == (DeliveryState.PENDING, NOON, NOON + timedelta(hours=72))
    assert again.reason == "send again, says Asha: the sender is verified"
    async with any_work(stored) as work:
        claimed = await work.deliveries.claim(Channel.EMAIL, NOON, LATER, 20)
    assert {each.id for each in [*rejected, by_ses]} <= {each.id for each in claimed}


async def test_of_two_messages_for_a_delivery_the_better_counts_in_any_order(stored: Application) -> None:
    delivery = a_delivery(Channel.SMS, state=UNKNOWN)
    await add(stored, delivery)

    async def report(message: str, learnt: DeliveryStatus) -> tuple[DeliveryState, str]:
        async with any_work(stored) as work:
            found = await work.in_doubt_deliveries.find(delivery.id)
            assert found is not None
            if found.apply_report(VendorReport("twilio", message, learnt, "twilio says so"), NOON):
                await work.in_doubt_deliveries.save(found)
                await work.commit()
        now = await find(stored, delivery.id)
        return now.state, now.reason

    bounced, sent = DeliveryState.BOUNCED, (DeliveryState.SENT, "twilio says so; another message bounced: SM1")
    assert await report("SM1", DeliveryStatus.BOUNCED) == (bounced, "twilio says so")
    assert await report("SM1", DeliveryStatus.FOUND) == (bounced, "twilio says so")
    assert await report("SM2", DeliveryStatus.FOUND) == sent
    assert await report("SM1", DeliveryStatus.BOUNCED) == sent  # repeated
    assert (await report("SM2", DeliveryStatus.DELIVERED))[0] is DeliveryState.DELIVERED
    assert (await report("SM3", DeliveryStatus.BOUNCED))[0] is DeliveryState.DELIVERED
    twice = (DeliveryState.DELIVERED, "twilio says so; another message was delivered, too: SM2")
    for message in ("SM4", "SM4", "SM2"):
        assert await report(message, DeliveryStatus.DELIVERED) == twice


async def test_a_repeated_bounce_does_not_end_the_message_that_is_sent_again(stored: Application) -> None:
    delivery = a_delivery(state=UNKNOWN)
    await add(stored, delivery)
    bounce = VendorReport("twilio", "SM1", DeliveryStatus.BOUNCED)
    resend = stored.use_cases().notifications.resend_delivery
    first = await find(stored, delivery.id)
    assert first.apply_report(bounce, NOON)
    await save(stored, first)
    await resend(str(delivery.id), Decision(who="Asha", why="the phone is repaired"))
    for state in (DeliveryState.PENDING, DeliveryState.SENDING):
        again = await find(stored, delivery.id)
        again.state = state
        assert not again.apply_report(bounce, NOON)


@pytest.mark.parametrize("state", DeliveryState)
async def test_only_what_ended_unsent_is_resent(stored: Application, state: DeliveryState) -> None:
    delivery = a_delivery(state=state)
    await add(stored, delivery)
    resend, decision = stored.use_cases().notifications.resend_delivery, Decision(who="Asha", why="a test")
    if state in RESENDABLE_STATES:
        assert (await resend(str(delivery.id), decision)).state is DeliveryState.PENDING
    with pytest.raises(NotResendable):
        await resend(str(delivery.id), decision)


async def test_the_delivery_list_contains_no_address(stored: Application) -> None:
    reason = "550 no asha.1@example.org here; call +91 98765-43210 (RFC 5321)"
    await add(stored, a_delivery(state=UNDECIDED, reason=reason))
    [summary] = (await ListDeliveries(stored.notifications.delivery_list())(DeliveryFilter(), None, 10)).items

    assert summary.reason == "550 no … here; call … (RFC 5321)"


@pytest.mark.parametrize(
    "after", ["", "_", "yesterday_x", "2026-11-20T12:30:00Z", f"0001-01-01T00:00:00+23:59_{UUID(int=1)}", "9" * 10_000]
)
async def test_a_page_that_is_not_there_is_refused(stored: Application, after: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await ListDeliveries(stored.notifications.delivery_list())(DeliveryFilter(), after, 10)

    assert refusal.value.at == "$.after"


async def test_what_was_pending_in_a_restored_database_is_in_doubt_and_nothing_else(stored: Application) -> None:
    waiting, claimed, sent = a_delivery(), a_delivery(), replace(a_delivery(), state=DeliveryState.SENT)
    await add(stored, claimed)
    async with any_work(stored) as work:
        await work.deliveries.claim(Channel.EMAIL, NOON, LATER, 10)
        await work.commit()
    await add(stored, waiting, sent)

    assert await stored.notifications.restored_deliveries().doubt(NOON - timedelta(hours=1), NOON) == 1
    assert await stored.notifications.restored_deliveries().doubt(NOON, NOON) == 0

    [due] = await take(stored)
    assert (due.id, due.in_doubt_since, due.state) == (waiting.id, NOON - timedelta(hours=1), UNKNOWN)
    figures = await stored.notifications.delivery_figures().waiting()
    told = {(each.state, each.count, each.oldest) for each in figures if each.count}
    assert told == {(UNKNOWN, 1, NOON - timedelta(hours=1))}

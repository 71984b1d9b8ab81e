"""The contract of `Deliveries`, for every adapter."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from config.container import Application
from core.notifications.attempt_log import Attempt, AttemptOutcome
from core.notifications.delivery import Channel, Delivery, DeliveryState
from core.notifications.delivery_list import DeliveryFilter
from core.notifications.status_reports import DeliveryStatus, StatusReport
from tests.examples import NOON, StoppedClock, a_delivery, a_submission
from tests.units_of_work import any_work

LATER = NOON + timedelta(minutes=2)


async def add(application: Application, *deliveries: Delivery) -> None:
    async with any_work(application) as work:
        for delivery in deliveries:
            work.deliveries.add(delivery)
        await work.commit()


async def claim(application: Application, channel: Channel = Channel.EMAIL, limit: int = 10) -> list[Delivery]:
    async with any_work(application) as work:
        claimed = list(await work.deliveries.claim(channel, NOON, LATER, limit))
        await work.commit()
    return claimed


async def test_what_is_due_is_claimed_as_it_was_added_longest_due_first(stored: Application) -> None:
    late, later, not_yet = a_delivery(), a_delivery(), a_delivery(due_at=NOON + timedelta(microseconds=1))
    late.due_at = NOON - timedelta(seconds=1)
    await add(stored, later, not_yet, late, a_delivery(Channel.SMS))

    claimed = await claim(stored)

    assert [each.id for each in claimed] == [late.id, later.id]
    assert (claimed[0].notice, claimed[0].about, claimed[0].recipient) == (late.notice, late.about, late.recipient)
    assert (claimed[0].template, claimed[0].facts) == (late.template, late.facts)
    assert {each.state for each in claimed} == {DeliveryState.SENDING}


async def test_what_has_expired_is_not_claimed_and_expires(stored: Application) -> None:
    last, now, later = (NOON + timedelta(microseconds=shift) for shift in (-1, 0, 1))
    waiting = a_delivery(Channel.SMS, expires_at=now, reason="smtp answered 450", due_at=LATER)
    expired = [a_delivery(expires_at=last), waiting]
    alive = [a_delivery(expires_at=later), a_delivery(expires_at=None)]
    others = [a_delivery(state=state, expires_at=last) for state in DeliveryState if state is not DeliveryState.PENDING]
    await add(stored, *expired, *alive, *others)

    assert {each.id for each in await claim(stored)} == {each.id for each in alive}
    expire = replace(stored.use_cases().notifications.expire_deliveries, clock=StoppedClock())
    assert (await expire(), await expire()) == (2, 0)
    listed = await stored.notifications.delivery_list().find(DeliveryFilter(state=DeliveryState.EXPIRED), None, 10)
    found = [each for each in listed if each.id in {one.id for one in expired}]
    assert {each.reason for each in found} == {"expired", "expired; last: smtp answered 450"}
    assert {each.expires_at for each in found} == {last, now}
    assert {each.due_at for each in found} == {now}, "a resend of what has ended finds it at once"


async def test_what_a_vendor_has_is_reported_until_a_person_decides_otherwise(stored: Application) -> None:
    kinds = [DeliveryStatus.FOUND, DeliveryStatus.DELIVERED, DeliveryStatus.ABSENT, DeliveryStatus.UNDECIDED]
    told = {kind: a_delivery() for kind in kinds}
    accepted, refused, resent = a_delivery(), a_delivery(), a_delivery()
    await add(stored, *told.values(), accepted, refused, resent)
    reports = stored.notifications.reported_deliveries()

    async def report(delivery: Delivery, learnt: DeliveryStatus, at: datetime = NOON) -> None:
        delivery.status_reports.append(StatusReport(at=at, learnt=learnt, vendor="twilio", vendor_id="SM1"))
        async with any_work(stored) as work:
            await work.in_doubt_deliveries.save(delivery)
            await work.commit()

    for kind, delivery in told.items():
        await report(delivery, kind)
    await report(resent, DeliveryStatus.DELIVERED)
    await report(resent, DeliveryStatus.SETTLED, LATER)
    for delivery, outcome in ((accepted, AttemptOutcome.ACCEPTED), (refused, AttemptOutcome.UNAVAILABLE)):
        delivery.record_attempts(Attempt(at=NOON, vendor="ses", outcome=outcome, detail=""))
        await save(stored, delivery)

    everything = [*told.values(), accepted, refused, resent]
    assert await reports.among([each.id for each in everything]) == {
        told[DeliveryStatus.FOUND].id, told[DeliveryStatus.DELIVERED].id, accepted.id,
    }  # fmt: skip
    await report(resent, DeliveryStatus.FOUND, LATER + timedelta(seconds=1))
    assert await reports.among([resent.id]) == {resent.id}


async def test_a_delivery_is_claimed_once(stored: Application) -> None:
    await add(stored, *(a_delivery() for _ in range(12)))

    claims = await asyncio.gather(*(claim(stored, limit=5) for _ in range(4)))

    ids = [each.id for claimed in claims for each in claimed]
    assert len(ids) == len(set(ids)) == 12


async def test_an_uncommitted_claim_leaves_the_delivery_unclaimed(stored: Application) -> None:
    await add(stored, a_delivery())
    async with any_work(stored) as work:
        assert await work.deliveries.claim(Channel.EMAIL, NOON, LATER, 10)

    assert len(await claim(stored)) == 1


async def test_what_was_settled_is_not_due_again_and_its_attempts_are_told(stored: Application) -> None:
    submission, submitted = a_submission()
    await add(stored, a_delivery(about=submission.id))
    async with any_work(stored) as work:
        work.submissions.add(submission)
        work.record(submitted)
        await work.commit()
    [delivery] = await claim(stored)
    delivery.record_attempts(Attempt(at=NOON, vendor="ses", outcome=AttemptOutcome.UNAVAILABLE, detail="throttled"))
    delivery.record_attempts(Attempt(at=LATER, vendor="smtp", outcome=AttemptOutcome.ACCEPTED, detail="250-7"))
    delivery.settle(DeliveryState.SENT)
    async with any_work(stored) as work:
        await work.deliveries.save([delivery])
        await work.commit()

    found = await stored.fees.exam_fees().find(submission.id)

    assert not await claim(stored)
    assert found is not None
    told = [(e.what, e.vendor, e.vendor_id, e.detail, e.at) for e in found.timeline if e.vendor]
    assert told == [
        ("email unavailable", "ses", "", "throttled", NOON),
        ("email accepted", "smtp", "250-7", "", LATER),
    ]


async def test_attempts_of_several_rounds_add_up(stored: Application) -> None:
    submission, _ = a_submission()
    await add(stored, a_delivery(about=submission.id))
    async with any_work(stored) as work:
        work.submissions.add(submission)
        await work.commit()
    for _ in range(3):
        [delivery] = await claim(stored)
        delivery.record_attempts(Attempt(at=NOON, vendor="ses", outcome=AttemptOutcome.UNAVAILABLE, detail="away"))
        delivery.postpone(NOON, "away")
        async with any_work(stored) as work:
            await work.deliveries.save([delivery])
            await work.commit()

    [delivery] = await claim(stored)
    found = await stored.fees.exam_fees().find(submission.id)

    assert (delivery.attempts, delivery.reason) == (3, "away")
    assert found is not None
    assert len([entry for entry in found.timeline if entry.vendor]) == 3


async def test_only_expired_claims_are_returned(stored: Application) -> None:
    await add(stored, a_delivery(), a_delivery(Channel.SMS), a_delivery(due_at=LATER))
    await claim(stored)
    async with any_work(stored) as work:
        assert not await work.deliveries.expired_claims(LATER - timedelta(seconds=1), 10)
    async with any_work(stored) as work:
        expired_claims = await work.deliveries.expired_claims(LATER, 10)

    assert [each.state for each in expired_claims] == [DeliveryState.SENDING]


async def test_a_notice_is_delivered_once_per_channel_and_what_is_missing_is_added(stored: Application) -> None:
    first = a_delivery()
    await add(stored, first)
    await claim(stored)

    email, sms = (
        a_delivery(notice=first.notice, facts={"reference": "BF-2"}),
        a_delivery(Channel.SMS, notice=first.notice),
    )
    await add(stored, email, sms, other := a_delivery())
    await add(stored, a_delivery(Channel.SMS, notice=first.notice))

    assert [each.id for each in await claim(stored)] == [other.id]
    assert [each.id for each in await claim(stored, Channel.SMS)] == [sms.id]
    async with any_work(stored) as work:
        under_way = [each.id for each in await work.deliveries.expired_claims(LATER, 10)]
    assert sorted(under_way) == sorted([first.id, other.id, sms.id])


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)  # only these have columns of limited length
async def test_a_delivery_too_large_for_its_columns_raises(stored: Application) -> None:
    with pytest.raises(DBAPIError):
        await add(stored, a_delivery(template="x" * 65))


async def save(application: Application, *deliveries: Delivery) -> None:
    async with any_work(application) as work:
        await work.deliveries.save(deliveries)
        await work.commit()


async def test_an_expired_claim_cannot_change_a_delivery_unless_a_vendor_accepted_it(stored: Application) -> None:
    await add(stored, a_delivery(), a_delivery())
    slow, accepted = await claim(stored)
    async with any_work(stored) as work:
        given_up = await work.deliveries.expired_claims(LATER, 10)
        for each in given_up:
            each.settle(DeliveryState.UNKNOWN)
        await work.deliveries.save(given_up)
        await work.commit()
    slow.postpone(NOON, "away")
    accepted.settle(DeliveryState.SENT)
    await save(stored, slow, accepted)

    async with any_work(stored) as work:
        found = [await work.in_doubt_deliveries.find(each.id) for each in (slow, accepted)]
    assert [each and each.state for each in found] == [DeliveryState.UNKNOWN, DeliveryState.SENT]
    assert not await claim(stored)


async def test_attempts_that_failed_to_store_are_stored_completely_later(stored: Application) -> None:
    await add(stored, a_delivery())
    [delivery] = await claim(stored)
    delivery.record_attempts(Attempt(at=NOON, vendor="ses", outcome=AttemptOutcome.UNAVAILABLE, detail="away"))
    delivery.postpone(NOON, "away")
    async with any_work(stored) as work:
        await work.deliveries.save([delivery])  # the database becomes unavailable before the commit
    await save(stored, delivery)

    async with any_work(stored) as work:
        assert [each.detail for each in await work.in_doubt_deliveries.attempts(delivery.id)] == ["away"]
    assert [each.id for each in await claim(stored)] == [delivery.id]


async def test_attempts_of_a_late_sender_are_kept_beside_those_of_its_successor(stored: Application) -> None:
    await add(stored, a_delivery())
    [late] = await claim(stored)
    async with any_work(stored) as work:
        [given_up] = await work.deliveries.expired_claims(LATER, 10)
        given_up.settle(DeliveryState.PENDING)
        await work.deliveries.save([given_up])
        await work.commit()
    async with any_work(stored) as work:
        [next_one] = await work.deliveries.claim(Channel.EMAIL, LATER, LATER + timedelta(minutes=2), 10)
        await work.commit()
    late.record_attempts(Attempt(at=NOON, vendor="ses", outcome=AttemptOutcome.UNAVAILABLE, detail="503"))
    late.postpone(LATER, "503")
    await save(stored, late)
    next_one.record_attempts(Attempt(at=LATER, vendor="ses", outcome=AttemptOutcome.ACCEPTED, detail="id-7"))
    next_one.settle(DeliveryState.SENT)
    await save(stored, next_one)

    async with any_work(stored) as work:
        assert [each.detail for each in await work.in_doubt_deliveries.attempts(late.id)] == ["503", "id-7"]

import asyncio
from datetime import timedelta

import pytest

from core.kernel.errors import Unavailable
from core.notifications.delivery import Channel
from core.notifications.errors import OutcomeUnknown, VendorUnavailable
from core.notifications.outcome_lookup import OutcomeLookup
from core.notifications.status_reports import DeliveryStatus
from tests.unit.notifications.harness import CLAIM_DURATION, StubTemplates
from tests.unit.notifications.reconciliation import (
    ABSENT_AFTER,
    ASHA,
    NOT_SENT,
    PERSON_AFTER,
    SENT,
    ReconciliationHarness,
)

A_MICROSECOND = timedelta(microseconds=1)
DOUBTFUL_OUTCOMES = [VendorUnavailable("down"), OutcomeUnknown("look for yourself"), ValueError("a defect")]


@pytest.fixture
def room() -> ReconciliationHarness:
    return ReconciliationHarness()


async def test_what_the_vendor_has_is_sent_under_the_vendors_name_for_it(room: ReconciliationHarness) -> None:
    owed = await room.unknown()
    room.vendor.know(owed)

    assert await room.reconcile() == {"found": 1}
    assert room.state(owed) == "sent"
    [found] = room.store.findings[owed]
    assert (found.vendor, found.vendor_id, found.at) == ("vendor", "v-1", room.clock.now())
    assert await room.dispatch(Channel.EMAIL) == 0


@pytest.mark.parametrize(
    ("learnt", "state"), [(DeliveryStatus.DELIVERED, "delivered"), (DeliveryStatus.BOUNCED, "bounced")]
)
async def test_what_the_vendor_knows_more_of_is_more_than_sent(
    room: ReconciliationHarness, learnt: DeliveryStatus, state: str
) -> None:
    owed = await room.unknown()
    room.vendor.know(owed, learnt)
    await room.reconcile()

    assert room.state(owed) == state


async def test_no_vendor_is_queried_while_a_claim_is_unexpired(room: ReconciliationHarness) -> None:
    await room.unknown()
    room.clock.pass_by(-A_MICROSECOND)

    assert await room.reconcile() == {}
    assert not room.vendor.asked


async def test_what_is_not_there_yet_may_still_come(room: ReconciliationHarness) -> None:
    owed = await room.unknown()
    room.clock.pass_by(ABSENT_AFTER - A_MICROSECOND)

    assert await room.reconcile() == {}
    assert room.state(owed) == "unknown"
    assert await room.dispatch(Channel.EMAIL) == 0
    assert room.due_in(owed) == A_MICROSECOND
    room.vendor.know(owed)
    room.clock.pass_by(A_MICROSECOND)
    assert await room.reconcile() == {"found": 1}


async def test_what_is_certainly_not_there_is_sent_again_once(room: ReconciliationHarness) -> None:
    owed = await room.unknown()
    room.clock.pass_by(ABSENT_AFTER)

    assert await room.reconcile() == {"absent": 1}
    assert room.state(owed) == "pending"
    assert await room.dispatch(Channel.EMAIL) == 1
    assert (room.state(owed), room.learnt(owed), len(room.email.asked)) == ("sent", ["absent"], 2)


@pytest.mark.parametrize("trouble", DOUBTFUL_OUTCOMES, ids=str)
async def test_a_vendor_that_cannot_say_proves_nothing(room: ReconciliationHarness, trouble: Exception) -> None:
    owed = await room.unknown()
    room.vendor.trouble = trouble
    room.clock.pass_by(ABSENT_AFTER)

    assert await room.reconcile() == {}
    assert room.state(owed) == "unknown"
    assert timedelta(minutes=1) <= room.due_in(owed) <= timedelta(hours=1)
    room.clock.pass_by(room.due_in(owed))
    room.vendor.trouble = None
    assert await room.reconcile() == {"absent": 1}


async def test_a_vendor_that_hangs_is_waited_for_until_the_deadline(room: ReconciliationHarness) -> None:
    owed = await room.unknown()
    room.vendor.trouble = asyncio.Event()
    room.clock.pass_by(ABSENT_AFTER)
    impatient = OutcomeLookup({Channel.EMAIL: room.records}, StubTemplates(), timedelta(milliseconds=20))

    async with asyncio.timeout(5):
        await room.reconciler(outcome_lookup=impatient)()
    assert room.state(owed) == "unknown"


async def test_vendor_queries_back_off_and_end_as_undecided(room: ReconciliationHarness) -> None:
    owed = await room.unknown()
    room.vendor.trouble = VendorUnavailable("vendor is down")
    pauses = []
    while room.state(owed) == "unknown":
        learnt = await room.reconcile()
        pauses.append(room.due_in(owed))
        room.clock.pass_by(max(pauses[-1], timedelta()))

    assert learnt == {"undecided": 1}
    assert 10 < len(pauses) < 50
    assert min(pauses[:-2]) >= timedelta(minutes=1)
    assert (room.state(owed), room.delivery(owed).reason) == ("undecided", "vendor is down")
    assert room.learnt(owed) == ["undecided"]
    asked = len(room.vendor.asked)
    room.clock.pass_by(PERSON_AFTER)
    assert (await room.reconcile(), await room.dispatch(Channel.EMAIL)) == ({}, 0)
    assert len(room.vendor.asked) == asked


async def test_without_a_queryable_vendor_a_report_is_awaited_and_then_undecided(room: ReconciliationHarness) -> None:
    room.records["vendor"] = None
    owed = await room.unknown()
    await room.reconcile()

    assert room.state(owed) == "unknown"
    assert room.due_in(owed) == PERSON_AFTER - CLAIM_DURATION  # no look in between could tell anything new
    room.clock.pass_by(PERSON_AFTER - CLAIM_DURATION)
    assert await room.reconcile() == {"undecided": 1}
    assert "vendor cannot be asked" in room.delivery(owed).reason


async def test_a_vendor_that_was_not_called_is_not_queried(room: ReconciliationHarness) -> None:
    room.records["vendor"] = None
    owed = await room.unknown()
    room.deputy.know(owed)
    room.clock.pass_by(ABSENT_AFTER)
    await room.reconcile()

    assert room.state(owed) == "unknown"
    assert not room.deputy.asked


async def test_after_a_killed_dispatcher_every_vendor_is_queried(room: ReconciliationHarness) -> None:
    owed = await room.claim_and_die()
    room.deputy.know(owed)

    assert await room.reconcile() == {"found": 1}
    assert (len(room.vendor.asked), room.state(owed)) == (1, "sent")


async def test_one_vendor_that_cannot_be_asked_leaves_it_open_where_any_may_have_it(
    room: ReconciliationHarness,
) -> None:
    room.records["deputy"] = None
    owed = await room.claim_and_die()
    room.clock.pass_by(ABSENT_AFTER)
    await room.reconcile()

    assert (len(room.vendor.asked), room.state(owed)) == (1, "unknown")


async def test_what_no_vendor_has_after_a_kill_is_sent_again(room: ReconciliationHarness) -> None:
    owed = await room.claim_and_die()
    room.clock.pass_by(ABSENT_AFTER)

    assert await room.reconcile() == {"absent": 1}
    assert (await room.dispatch(Channel.EMAIL), room.state(owed)) == (1, "sent")


async def test_a_second_doubt_begins_anew(room: ReconciliationHarness) -> None:
    owed = await room.unknown()
    room.clock.pass_by(ABSENT_AFTER)
    await room.reconcile()
    async with room.new_work() as work:
        await work.deliveries.claim(Channel.EMAIL, room.clock.now(), room.clock.now() + CLAIM_DURATION, 1)
        await work.commit()
    room.clock.pass_by(CLAIM_DURATION)
    await room.abandon()
    room.vendor.asked.clear()

    assert await room.reconcile() == {}
    assert room.state(owed) == "unknown"  # not there, but it is only two minutes old
    assert (len(room.vendor.asked), len(room.deputy.asked)) == (1, 1)


async def test_without_an_address_no_vendor_is_queried(room: ReconciliationHarness) -> None:
    owed = await room.unknown()
    await room.enrol(1, email="")
    room.clock.pass_by(ABSENT_AFTER)
    await room.reconcile()

    assert (room.state(owed), room.vendor.asked) == ("unknown", [])


async def test_two_reconcilers_at_once_ask_once(room: ReconciliationHarness) -> None:
    for number in range(5):
        await room.unknown(number)
    for owed in room.store.deliveries:
        room.vendor.know(owed)  # type: ignore[arg-type]
    counts = await asyncio.gather(room.reconciler(batch=2)(), room.reconciler(batch=2)())

    assert sum(count[DeliveryStatus.FOUND] for count in counts) == 5
    assert len(room.vendor.asked) == 5


async def test_a_reconciler_that_comes_back_late_decides_nothing(room: ReconciliationHarness) -> None:
    owed = await room.unknown()
    room.clock.pass_by(ABSENT_AFTER)
    room.vendor.trouble = gate = asyncio.Event()
    slow = asyncio.create_task(room.reconciler()())
    await room.until(lambda: len(room.vendor.asked) == 1)
    room.vendor.trouble = None
    room.clock.pass_by(timedelta(hours=1))
    await room.reconcile()
    room.email.will_answer(ASHA, OutcomeUnknown("again"))
    await room.dispatch(Channel.EMAIL)
    room.clock.pass_by(CLAIM_DURATION)
    await room.reconcile()
    room.clock.pass_by(ABSENT_AFTER)  # by now an answer "not there" would count, but not one from before
    room.vendor.trouble = VendorUnavailable("down")
    gate.set()

    assert (await slow, room.state(owed)) == ({}, "unknown")


async def test_what_was_settled_while_the_vendor_was_asked_stays_settled(room: ReconciliationHarness) -> None:
    owed = await room.unknown()
    room.clock.pass_by(ABSENT_AFTER)
    room.vendor.trouble = gate = asyncio.Event()
    asking = asyncio.create_task(room.reconciler()())
    await room.until(lambda: len(room.vendor.asked) == 1)
    await room.settle(str(owed), SENT)
    before = room.delivery(owed)
    gate.set()

    assert (await asking, room.state(owed)) == ({}, "sent")
    assert room.delivery(owed).due_at == before.due_at


async def test_a_message_found_during_a_contrary_decision_is_not_sent_twice(room: ReconciliationHarness) -> None:
    owed = await room.unknown()
    room.vendor.know(owed)
    room.vendor.trouble = gate = asyncio.Event()
    asking = asyncio.create_task(room.reconciler()())
    await room.until(lambda: len(room.vendor.asked) == 1)
    await room.settle(str(owed), NOT_SENT)
    gate.set()
    await asking

    assert (room.state(owed), await room.dispatch(Channel.EMAIL)) == ("sent", 0)


async def test_one_that_cannot_be_looked_into_does_not_hold_up_the_others(room: ReconciliationHarness) -> None:
    first, second = await room.unknown(1), await room.unknown(2)
    room.vendor.know(second)
    room.store.deliveries[first].template = "mistyped"

    assert await room.reconcile() == {"found": 1}
    assert (room.state(first), room.state(second)) == ("unknown", "sent")
    assert room.due_in(first) > timedelta()


async def test_a_database_that_is_away_is_no_answer(room: ReconciliationHarness) -> None:
    owed = await room.unknown()
    room.vendor.know(owed)
    room.vendor.trouble = gate = asyncio.Event()
    asking = asyncio.create_task(room.reconciler()())
    await room.until(lambda: len(room.vendor.asked) == 1)
    room.away = 1
    gate.set()
    with pytest.raises(Unavailable):
        await asking

    assert room.state(owed) == "unknown"
    room.vendor.trouble = None
    room.clock.pass_by(timedelta(hours=1))
    assert await room.reconcile() == {"found": 1}

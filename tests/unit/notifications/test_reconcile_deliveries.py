import asyncio
from datetime import timedelta

import pytest

from core.notifications.delivery import Channel
from core.notifications.enquiry import Enquiry
from core.notifications.errors import OutcomeUnknown, VendorUnavailable
from core.notifications.findings import Learnt
from core.shared.errors import Unavailable
from tests.unit.notifications.doubts import ABSENT_AFTER, ASHA, NOT_SENT, PERSON_AFTER, SENT, DoubtfulRoom
from tests.unit.notifications.post import LEASE, PlainTemplates

A_MOMENT = timedelta(microseconds=1)
DOUBTS = [VendorUnavailable("down"), OutcomeUnknown("look for yourself"), ValueError("a defect")]


@pytest.fixture
def room() -> DoubtfulRoom:
    return DoubtfulRoom()


async def test_what_the_vendor_has_is_sent_under_the_vendors_name_for_it(room: DoubtfulRoom) -> None:
    owed = await room.unknown()
    room.vendor.know(owed)

    assert await room.reconcile() == {"found": 1}
    assert room.state(owed) == "sent"
    [found] = room.store.findings[owed]
    assert (found.vendor, found.vendor_id, found.at) == ("vendor", "v-1", room.clock.now())
    assert await room.dispatch(Channel.EMAIL) == 0


@pytest.mark.parametrize(("learnt", "state"), [(Learnt.DELIVERED, "delivered"), (Learnt.BOUNCED, "bounced")])
async def test_what_the_vendor_knows_more_of_is_more_than_sent(room: DoubtfulRoom, learnt: Learnt, state: str) -> None:
    owed = await room.unknown()
    room.vendor.know(owed, learnt)
    await room.reconcile()

    assert room.state(owed) == state


async def test_while_somebody_may_have_it_in_hand_nobody_is_asked(room: DoubtfulRoom) -> None:
    await room.unknown()
    room.clock.pass_by(-A_MOMENT)

    assert await room.reconcile() == {}
    assert not room.vendor.asked


async def test_what_is_not_there_yet_may_still_come(room: DoubtfulRoom) -> None:
    owed = await room.unknown()
    room.clock.pass_by(ABSENT_AFTER - A_MOMENT)

    assert await room.reconcile() == {}
    assert room.state(owed) == "unknown"
    assert await room.dispatch(Channel.EMAIL) == 0
    assert room.due_in(owed) == A_MOMENT
    room.vendor.know(owed)
    room.clock.pass_by(A_MOMENT)
    assert await room.reconcile() == {"found": 1}


async def test_what_is_certainly_not_there_is_sent_again_once(room: DoubtfulRoom) -> None:
    owed = await room.unknown()
    room.clock.pass_by(ABSENT_AFTER)

    assert await room.reconcile() == {"absent": 1}
    assert room.state(owed) == "pending"
    assert await room.dispatch(Channel.EMAIL) == 1
    assert (room.state(owed), room.learnt(owed), len(room.email.asked)) == ("sent", ["absent"], 2)


@pytest.mark.parametrize("trouble", DOUBTS, ids=str)
async def test_a_vendor_that_cannot_say_proves_nothing(room: DoubtfulRoom, trouble: Exception) -> None:
    owed = await room.unknown()
    room.vendor.trouble = trouble
    room.clock.pass_by(ABSENT_AFTER)

    assert await room.reconcile() == {}
    assert room.state(owed) == "unknown"
    assert timedelta(minutes=1) <= room.due_in(owed) <= timedelta(hours=1)
    room.clock.pass_by(room.due_in(owed))
    room.vendor.trouble = None
    assert await room.reconcile() == {"absent": 1}


async def test_a_vendor_that_hangs_is_waited_for_until_the_deadline(room: DoubtfulRoom) -> None:
    owed = await room.unknown()
    room.vendor.trouble = asyncio.Event()
    room.clock.pass_by(ABSENT_AFTER)
    impatient = Enquiry({Channel.EMAIL: room.records}, PlainTemplates(), timedelta(milliseconds=20))

    async with asyncio.timeout(5):
        await room.reconciler(enquiry=impatient)()
    assert room.state(owed) == "unknown"


async def test_looks_grow_rarer_and_end_with_a_task_for_a_person(room: DoubtfulRoom) -> None:
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


async def test_where_nobody_can_be_asked_a_report_is_waited_for_and_then_a_person(room: DoubtfulRoom) -> None:
    room.records["vendor"] = None
    owed = await room.unknown()
    await room.reconcile()

    assert room.state(owed) == "unknown"
    assert room.due_in(owed) == PERSON_AFTER - LEASE  # no look in between could tell anything new
    room.clock.pass_by(PERSON_AFTER - LEASE)
    assert await room.reconcile() == {"undecided": 1}
    assert "vendor cannot be asked" in room.delivery(owed).reason


async def test_a_vendor_that_did_not_have_it_in_hand_has_no_say(room: DoubtfulRoom) -> None:
    room.records["vendor"] = None
    owed = await room.unknown()
    room.deputy.know(owed)
    room.clock.pass_by(ABSENT_AFTER)
    await room.reconcile()

    assert room.state(owed) == "unknown"
    assert not room.deputy.asked


async def test_whoever_died_may_have_asked_any_vendor(room: DoubtfulRoom) -> None:
    owed = await room.killed()
    room.deputy.know(owed)

    assert await room.reconcile() == {"found": 1}
    assert (len(room.vendor.asked), room.state(owed)) == (1, "sent")


async def test_one_vendor_that_cannot_be_asked_leaves_it_open_where_any_may_have_it(room: DoubtfulRoom) -> None:
    room.records["deputy"] = None
    owed = await room.killed()
    room.clock.pass_by(ABSENT_AFTER)
    await room.reconcile()

    assert (len(room.vendor.asked), room.state(owed)) == (1, "unknown")


async def test_what_no_vendor_has_after_a_kill_is_sent_again(room: DoubtfulRoom) -> None:
    owed = await room.killed()
    room.clock.pass_by(ABSENT_AFTER)

    assert await room.reconcile() == {"absent": 1}
    assert (await room.dispatch(Channel.EMAIL), room.state(owed)) == (1, "sent")


async def test_a_second_doubt_begins_anew(room: DoubtfulRoom) -> None:
    owed = await room.unknown()
    room.clock.pass_by(ABSENT_AFTER)
    await room.reconcile()
    async with room.new_work() as work:
        await work.deliveries.claim(Channel.EMAIL, room.clock.now(), room.clock.now() + LEASE, 1)
        await work.commit()
    room.clock.pass_by(LEASE)
    await room.abandon()
    room.vendor.asked.clear()

    assert await room.reconcile() == {}
    assert room.state(owed) == "unknown"  # not there, but it is only two minutes old
    assert (len(room.vendor.asked), len(room.deputy.asked)) == (1, 1)


async def test_without_an_address_nobody_can_be_asked_for_it(room: DoubtfulRoom) -> None:
    owed = await room.unknown()
    await room.enrol(1, email="")
    room.clock.pass_by(ABSENT_AFTER)
    await room.reconcile()

    assert (room.state(owed), room.vendor.asked) == ("unknown", [])


async def test_two_reconcilers_at_once_ask_once(room: DoubtfulRoom) -> None:
    for number in range(5):
        await room.unknown(number)
    for owed in room.store.deliveries:
        room.vendor.know(owed)  # type: ignore[arg-type]
    counts = await asyncio.gather(room.reconciler(batch=2)(), room.reconciler(batch=2)())

    assert sum(count[Learnt.FOUND] for count in counts) == 5
    assert len(room.vendor.asked) == 5


async def test_a_reconciler_that_comes_back_late_decides_nothing(room: DoubtfulRoom) -> None:
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
    room.clock.pass_by(LEASE)
    await room.reconcile()
    room.clock.pass_by(ABSENT_AFTER)  # by now an answer "not there" would count, but not one from before
    room.vendor.trouble = VendorUnavailable("down")
    gate.set()

    assert (await slow, room.state(owed)) == ({}, "unknown")


async def test_what_was_settled_while_the_vendor_was_asked_stays_settled(room: DoubtfulRoom) -> None:
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


async def test_what_is_found_while_a_person_decides_otherwise_is_not_sent_twice(room: DoubtfulRoom) -> None:
    owed = await room.unknown()
    room.vendor.know(owed)
    room.vendor.trouble = gate = asyncio.Event()
    asking = asyncio.create_task(room.reconciler()())
    await room.until(lambda: len(room.vendor.asked) == 1)
    await room.settle(str(owed), NOT_SENT)
    gate.set()
    await asking

    assert (room.state(owed), await room.dispatch(Channel.EMAIL)) == ("sent", 0)


async def test_one_that_cannot_be_looked_into_does_not_hold_up_the_others(room: DoubtfulRoom) -> None:
    first, second = await room.unknown(1), await room.unknown(2)
    room.vendor.know(second)
    room.store.deliveries[first].template = "mistyped"

    assert await room.reconcile() == {"found": 1}
    assert (room.state(first), room.state(second)) == ("unknown", "sent")
    assert room.due_in(first) > timedelta()


async def test_a_database_that_is_away_is_no_answer(room: DoubtfulRoom) -> None:
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

from collections.abc import Sequence
from contextlib import suppress
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest

from core.kernel.errors import Invalid
from core.notifications.delivery import Channel
from core.notifications.errors import DeliverySettled, UnknownDelivery
from core.notifications.messages import DeliveryId
from core.notifications.settle_delivery import Settlement, Verdict
from core.notifications.status_reports import DeliveryStatus
from tests.unit.notifications.reconciliation import NOT_SENT, PERSON_AFTER, SENT, ReconciliationHarness


@pytest.fixture
def room() -> ReconciliationHarness:
    return ReconciliationHarness()


async def undecided(room: ReconciliationHarness) -> DeliveryId:
    room.records["vendor"] = None
    owed = await room.unknown()
    room.clock.pass_by(PERSON_AFTER)
    await room.reconcile()
    assert room.state(owed) == "undecided"
    return owed


@pytest.mark.parametrize("early", [True, False])
async def test_what_a_person_says_was_sent_is_not_sent_again(room: ReconciliationHarness, early: bool) -> None:
    owed = await room.unknown() if early else await undecided(room)
    summary = await room.settle(str(owed), SENT)

    assert (summary.state, room.state(owed)) == ("sent", "sent")
    assert await room.dispatch(Channel.EMAIL) == 0
    finding = room.store.findings[owed][-1]
    assert (finding.learnt, finding.at) == ("settled", room.clock.now())
    assert finding.detail == "sent, says Ravi Deshpande: she showed it at the counter"


@pytest.mark.parametrize("early", [True, False])
async def test_what_a_person_says_was_not_sent_is_sent_once(room: ReconciliationHarness, early: bool) -> None:
    owed = await room.unknown() if early else await undecided(room)
    asked = len(room.email.asked)
    await room.settle(str(owed), NOT_SENT)

    assert await room.dispatch(Channel.EMAIL) == 1
    assert await room.dispatch(Channel.EMAIL) == 0
    assert (room.state(owed), len(room.email.asked)) == ("sent", asked + 1)


@pytest.mark.parametrize("first", [SENT, NOT_SENT])
@pytest.mark.parametrize("second", [SENT, NOT_SENT])
async def test_a_second_decision_is_refused(room: ReconciliationHarness, first: Settlement, second: Settlement) -> None:
    owed = await undecided(room)
    await room.settle(str(owed), first)
    before = room.delivery(owed), room.store.findings[owed]

    with pytest.raises(DeliverySettled):
        await room.settle(str(owed), second)
    after = room.delivery(owed), room.store.findings[owed]
    assert (before[0].state, before[0].due_at, before[1]) == (after[0].state, after[0].due_at, after[1])


async def test_a_delivery_that_is_not_in_doubt_cannot_be_decided(room: ReconciliationHarness) -> None:
    [owed] = await room.add_delivery(await room.enrol())
    with pytest.raises(DeliverySettled, match="pending"):
        await room.settle(str(owed), SENT)
    await room.dispatch(Channel.EMAIL)
    with pytest.raises(DeliverySettled, match="sent"):
        await room.settle(str(owed), NOT_SENT)


@pytest.mark.parametrize("name", [str(uuid4()), "", "9" * 10_000, "../../etc", f"{uuid4()}\n", "१" * 36])
async def test_a_delivery_that_is_not_there_cannot_be_decided(room: ReconciliationHarness, name: str) -> None:
    with pytest.raises(UnknownDelivery) as refusal:
        await room.settle(name, SENT)

    assert len(str(refusal.value)) < 200


BAD = {
    "nobody": ({"who": " "}, "$.who"),
    "no reason": ({"why": ""}, "$.why"),
    "a header more": ({"who": "Ravi\r\nX-Admin: 1"}, "$.who"),
    "a novel": ({"why": "x" * 401}, "$.why"),
    "a name that would not fit": ({"who": "x" * 65}, "$.who"),
    "a line that reads backwards": ({"who": "Ravi\u202e"}, "$.who"),
    "half a character": ({"why": "\ud800"}, "$.why"),
}


@pytest.mark.parametrize(("change", "at"), BAD.values(), ids=BAD)
def test_a_decision_requires_an_author_and_a_reason(change: dict[str, Any], at: str) -> None:
    with pytest.raises(Invalid) as refusal:
        Settlement(**({"verdict": Verdict.SENT, "who": "Ravi", "why": "seen"} | change))

    assert refusal.value.at == at


async def test_the_longest_reason_of_the_longest_name_is_kept_whole(room: ReconciliationHarness) -> None:
    owed = await undecided(room)
    await room.settle(str(owed), Settlement(verdict=Verdict.NOT_SENT, who="w" * 64, why="y" * 400))

    assert len(room.store.findings[owed][-1].detail) <= 500


async def test_a_report_settles_what_was_unknown_or_undecided(room: ReconciliationHarness) -> None:
    for owed in (await room.unknown(2), await undecided(room)):
        await room.report(owed, DeliveryStatus.FOUND)

        assert room.state(owed) == "sent"
    assert await room.dispatch(Channel.EMAIL) == 0


async def test_a_report_that_comes_before_the_second_sending_prevents_it(room: ReconciliationHarness) -> None:
    owed = await undecided(room)
    await room.settle(str(owed), NOT_SENT)
    await room.report(owed, DeliveryStatus.DELIVERED)

    assert (room.state(owed), await room.dispatch(Channel.EMAIL)) == ("delivered", 0)


async def test_a_report_after_the_decision_tells_more(room: ReconciliationHarness) -> None:
    owed = await undecided(room)
    await room.settle(str(owed), SENT)
    await room.report(owed, DeliveryStatus.BOUNCED)

    assert (room.state(owed), room.learnt(owed)) == ("bounced", ["undecided", "settled", "bounced"])


@pytest.mark.parametrize(
    "order", list(permutations((DeliveryStatus.FOUND, DeliveryStatus.BOUNCED, DeliveryStatus.DELIVERED))), ids=str
)
async def test_reports_in_any_order_and_twice_come_to_the_same(
    room: ReconciliationHarness, order: Sequence[DeliveryStatus]
) -> None:
    owed = await room.unknown()
    for learnt in (*order, *order):
        await room.report(owed, learnt)

    assert room.state(owed) == "delivered"
    assert len(room.learnt(owed)) == len(set(room.learnt(owed)))


async def test_a_report_that_overtakes_the_answer_to_the_sender_is_kept(room: ReconciliationHarness) -> None:
    [owed] = await room.add_delivery(await room.enrol())
    async with room.new_work() as work:
        [claimed] = await work.deliveries.claim(Channel.EMAIL, room.clock.now(), room.clock.now(), 1)
        await work.commit()
    await room.report(owed, DeliveryStatus.DELIVERED)
    claimed.settle(type(claimed.state).SENT)
    async with room.new_work() as work:
        await work.deliveries.save([claimed])
        await work.commit()

    assert room.state(owed) == "delivered"


async def test_a_report_of_what_is_not_there_is_refused(room: ReconciliationHarness) -> None:
    with pytest.raises(UnknownDelivery):
        await room.report(DeliveryId(uuid4()), DeliveryStatus.DELIVERED)
    with suppress(UnknownDelivery):
        await room.report("x" * 10_000, DeliveryStatus.DELIVERED)  # type: ignore[arg-type]
    assert not room.store.findings

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

UNKNOWN = "8f8bc084-03d7-48d7-b077-97706cbb8f70"


@pytest.fixture
def harness() -> ReconciliationHarness:
    return ReconciliationHarness()


async def undecided(harness: ReconciliationHarness) -> DeliveryId:
    harness.records["vendor"] = None
    owed = await harness.unknown()
    harness.clock.pass_by(PERSON_AFTER)
    await harness.reconcile()
    assert harness.state(owed) == "undecided"
    return owed


@pytest.mark.parametrize("early", [True, False])
async def test_what_a_person_says_was_sent_is_not_sent_again(harness: ReconciliationHarness, early: bool) -> None:
    owed = await harness.unknown() if early else await undecided(harness)
    summary = await harness.settle(str(owed), SENT)

    assert (summary.state, harness.state(owed)) == ("sent", "sent")
    assert await harness.dispatch(Channel.EMAIL) == 0
    finding = harness.store.status_reports[owed][-1]
    assert (finding.learnt, finding.at) == ("settled", harness.clock.now())
    assert finding.detail == "sent, says Ravi Deshpande: she showed it at the counter"


@pytest.mark.parametrize("early", [True, False])
async def test_what_a_person_says_was_not_sent_is_sent_once(harness: ReconciliationHarness, early: bool) -> None:
    owed = await harness.unknown() if early else await undecided(harness)
    asked = len(harness.email.asked)
    await harness.settle(str(owed), NOT_SENT)

    assert await harness.dispatch(Channel.EMAIL) == 1
    assert await harness.dispatch(Channel.EMAIL) == 0
    assert (harness.state(owed), len(harness.email.asked)) == ("sent", asked + 1)


@pytest.mark.parametrize("first", [SENT, NOT_SENT])
@pytest.mark.parametrize("second", [SENT, NOT_SENT])
async def test_a_second_decision_is_refused(
    harness: ReconciliationHarness, first: Settlement, second: Settlement
) -> None:
    owed = await undecided(harness)
    await harness.settle(str(owed), first)
    before = harness.delivery(owed), harness.store.status_reports[owed]

    with pytest.raises(DeliverySettled):
        await harness.settle(str(owed), second)
    after = harness.delivery(owed), harness.store.status_reports[owed]
    assert (before[0].state, before[0].due_at, before[1]) == (after[0].state, after[0].due_at, after[1])


async def test_a_delivery_that_is_not_in_doubt_cannot_be_decided(harness: ReconciliationHarness) -> None:
    [owed] = await harness.add_delivery(await harness.enrol())
    with pytest.raises(DeliverySettled, match="pending"):
        await harness.settle(str(owed), SENT)
    await harness.dispatch(Channel.EMAIL)
    with pytest.raises(DeliverySettled, match="sent"):
        await harness.settle(str(owed), NOT_SENT)


@pytest.mark.parametrize("name", [UNKNOWN, "", "9" * 10_000, "../../etc", f"{UNKNOWN}\n", "१" * 36])
async def test_a_delivery_that_is_not_there_cannot_be_decided(harness: ReconciliationHarness, name: str) -> None:
    with pytest.raises(UnknownDelivery) as refusal:
        await harness.settle(name, SENT)

    assert len(str(refusal.value)) < 200


BAD = {
    "empty name": ({"who": " "}, "$.who"),
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


async def test_the_longest_reason_of_the_longest_name_is_kept_whole(harness: ReconciliationHarness) -> None:
    owed = await undecided(harness)
    await harness.settle(str(owed), Settlement(verdict=Verdict.NOT_SENT, who="w" * 64, why="y" * 400))

    assert len(harness.store.status_reports[owed][-1].detail) <= 500


async def test_a_report_settles_what_was_unknown_or_undecided(harness: ReconciliationHarness) -> None:
    for owed in (await harness.unknown(2), await undecided(harness)):
        await harness.report(owed, DeliveryStatus.FOUND)

        assert harness.state(owed) == "sent"
    assert await harness.dispatch(Channel.EMAIL) == 0


async def test_a_report_that_comes_before_the_second_sending_prevents_it(harness: ReconciliationHarness) -> None:
    owed = await undecided(harness)
    await harness.settle(str(owed), NOT_SENT)
    await harness.report(owed, DeliveryStatus.DELIVERED)

    assert (harness.state(owed), await harness.dispatch(Channel.EMAIL)) == ("delivered", 0)


async def test_a_report_after_the_decision_tells_more(harness: ReconciliationHarness) -> None:
    owed = await undecided(harness)
    await harness.settle(str(owed), SENT)
    await harness.report(owed, DeliveryStatus.BOUNCED)

    assert (harness.state(owed), harness.learnt(owed)) == ("bounced", ["undecided", "settled", "bounced"])


@pytest.mark.parametrize(
    "order", list(permutations((DeliveryStatus.FOUND, DeliveryStatus.BOUNCED, DeliveryStatus.DELIVERED))), ids=str
)
async def test_reports_in_any_order_and_twice_come_to_the_same(
    harness: ReconciliationHarness, order: Sequence[DeliveryStatus]
) -> None:
    owed = await harness.unknown()
    for learnt in (*order, *order):
        await harness.report(owed, learnt)

    assert harness.state(owed) == "delivered"
    assert len(harness.learnt(owed)) == len(set(harness.learnt(owed)))


async def test_a_report_that_overtakes_the_answer_to_the_sender_is_kept(harness: ReconciliationHarness) -> None:
    [owed] = await harness.add_delivery(await harness.enrol())
    async with harness.new_work() as work:
        [claimed] = await work.deliveries.claim(Channel.EMAIL, harness.clock.now(), harness.clock.now(), 1)
        await work.commit()
    await harness.report(owed, DeliveryStatus.DELIVERED)
    claimed.settle(type(claimed.state).SENT)
    async with harness.new_work() as work:
        await work.deliveries.save([claimed])
        await work.commit()

    assert harness.state(owed) == "delivered"


async def test_a_report_of_what_is_not_there_is_refused(harness: ReconciliationHarness) -> None:
    with pytest.raises(UnknownDelivery):
        await harness.report(DeliveryId(uuid4()), DeliveryStatus.DELIVERED)
    with suppress(UnknownDelivery):
        await harness.report("x" * 10_000, DeliveryStatus.DELIVERED)  # type: ignore[arg-type]
    assert not harness.store.status_reports

import asyncio
from datetime import timedelta

import pytest

from core.kernel.errors import Unavailable
from core.kernel.money import Money
from core.kernel.vendor_errors import OutcomeUnknown, VendorUnavailable
from core.notifications.delivery import Channel
from core.notifications.outcome_lookup import OutcomeLookup
from core.notifications.rendering import OWED_FEE
from core.notifications.settle_delivery import Settlement, Verdict
from core.notifications.status_reports import DeliveryStatus
from core.payments.fee_account import FeeAccount
from tests.examples import ids
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
def harness() -> ReconciliationHarness:
    return ReconciliationHarness()


async def test_what_the_vendor_has_is_sent_under_the_vendors_name_for_it(harness: ReconciliationHarness) -> None:
    owed = await harness.unknown()
    harness.vendor.know(owed)

    assert await harness.reconcile() == {"found": 1}
    assert harness.state(owed) == "sent"
    [found] = harness.store.status_reports[owed]
    assert (found.vendor, found.vendor_id, found.at) == ("vendor", "v-1", harness.clock.now())
    assert await harness.dispatch(Channel.EMAIL) == 0


@pytest.mark.parametrize(
    ("learnt", "state"), [(DeliveryStatus.DELIVERED, "delivered"), (DeliveryStatus.BOUNCED, "bounced")]
)
async def test_what_the_vendor_knows_more_of_is_more_than_sent(
    harness: ReconciliationHarness, learnt: DeliveryStatus, state: str
) -> None:
    owed = await harness.unknown()
    harness.vendor.know(owed, learnt)
    await harness.reconcile()

    assert harness.state(owed) == state


async def test_no_vendor_is_queried_while_a_claim_is_unexpired(harness: ReconciliationHarness) -> None:
    await harness.unknown()
    harness.clock.pass_by(-A_MICROSECOND)

    assert await harness.reconcile() == {}
    assert not harness.vendor.asked


async def test_what_is_not_there_yet_may_still_come(harness: ReconciliationHarness) -> None:
    owed = await harness.unknown()
    harness.clock.pass_by(ABSENT_AFTER - A_MICROSECOND)

    assert await harness.reconcile() == {}
    assert harness.state(owed) == "unknown"
    assert await harness.dispatch(Channel.EMAIL) == 0
    assert harness.due_in(owed) == A_MICROSECOND
    harness.vendor.know(owed)
    harness.clock.pass_by(A_MICROSECOND)
    assert await harness.reconcile() == {"found": 1}


async def test_what_is_certainly_not_there_is_sent_again_once(harness: ReconciliationHarness) -> None:
    owed = await harness.unknown()
    harness.clock.pass_by(ABSENT_AFTER)

    assert await harness.reconcile() == {"absent": 1}
    assert harness.state(owed) == "pending"
    assert await harness.dispatch(Channel.EMAIL) == 1
    assert (harness.state(owed), harness.learnt(owed), len(harness.email.asked)) == ("sent", ["absent"], 2)


@pytest.mark.parametrize("trouble", DOUBTFUL_OUTCOMES, ids=str)
async def test_a_vendor_that_cannot_say_proves_nothing(harness: ReconciliationHarness, trouble: Exception) -> None:
    owed = await harness.unknown()
    harness.vendor.trouble = trouble
    harness.clock.pass_by(ABSENT_AFTER)

    assert await harness.reconcile() == {}
    assert harness.state(owed) == "unknown"
    assert timedelta(minutes=1) <= harness.due_in(owed) <= timedelta(hours=1)
    harness.clock.pass_by(harness.due_in(owed))
    harness.vendor.trouble = None
    assert await harness.reconcile() == {"absent": 1}


async def test_a_vendor_that_hangs_is_waited_for_until_the_deadline(harness: ReconciliationHarness) -> None:
    owed = await harness.unknown()
    harness.vendor.trouble = asyncio.Event()
    harness.clock.pass_by(ABSENT_AFTER)
    records, deadline = {Channel.EMAIL: harness.records}, timedelta(milliseconds=20)
    impatient = OutcomeLookup(records, StubTemplates(), harness.late_facts, deadline)

    async with asyncio.timeout(5):
        await harness.reconciler(outcome_lookup=impatient)()
    assert harness.state(owed) == "unknown"


@pytest.fixture
def fee(harness: ReconciliationHarness) -> FeeAccount:
    account = FeeAccount(
        submission=ids.new(), student=ids.new(), reference="BF-1", schedule="S", charged=Money(500, "INR"), pay_by=None
    )
    harness.store.fee_accounts[account.submission] = account
    return account


async def test_a_reminder_in_doubt_of_a_fee_that_is_paid_meanwhile_is_dropped(
    harness: ReconciliationHarness, fee: FeeAccount
) -> None:
    owed = await harness.unknown(**{OWED_FEE: str(fee.submission)})
    fee.charged = Money.zero("INR")

    assert await harness.reconcile() == {}
    assert (harness.state(owed), harness.delivery(owed).reason) == ("rejected", "the fee was paid meanwhile, or may be")
    harness.clock.pass_by(PERSON_AFTER)
    assert (await harness.reconcile(), await harness.dispatch(Channel.EMAIL)) == ({}, 0)


async def test_a_dropped_reminder_was_delivered_if_its_vendor_says_so(
    harness: ReconciliationHarness, fee: FeeAccount
) -> None:
    owed = await harness.unknown(**{OWED_FEE: str(fee.submission)})
    fee.charged = Money.zero("INR")
    await harness.reconcile()

    await harness.report(owed, DeliveryStatus.DELIVERED)

    assert harness.state(owed) == "delivered"


@pytest.mark.parametrize("decision", [NOT_SENT, SENT], ids=lambda each: each.verdict)
async def test_a_person_settles_a_reminder_of_a_fee_that_is_paid_meanwhile(
    harness: ReconciliationHarness, fee: FeeAccount, decision: Settlement
) -> None:
    owed = await harness.unknown(**{OWED_FEE: str(fee.submission)})
    fee.charged = Money.zero("INR")

    await harness.settle(str(owed), decision)
    await harness.dispatch(Channel.EMAIL)

    assert harness.state(owed) == {Verdict.NOT_SENT: "rejected", Verdict.SENT: "sent"}[decision.verdict]
    assert len(harness.email.asked) == 1


async def test_a_defect_of_a_template_proves_nothing(harness: ReconciliationHarness) -> None:
    owed = await harness.unknown()
    harness.store.deliveries[owed].template = "no_such_template"
    harness.clock.pass_by(ABSENT_AFTER)

    assert await harness.reconcile() == {}
    assert harness.state(owed) == "unknown"


async def test_vendor_queries_back_off_and_end_as_undecided(harness: ReconciliationHarness) -> None:
    owed = await harness.unknown()
    harness.vendor.trouble = VendorUnavailable("vendor is down")
    pauses = []
    while harness.state(owed) == "unknown":
        learnt = await harness.reconcile()
        pauses.append(harness.due_in(owed))
        harness.clock.pass_by(max(pauses[-1], timedelta()))

    assert learnt == {"undecided": 1}
    assert 10 < len(pauses) < 50
    assert min(pauses[:-2]) >= timedelta(minutes=1)
    assert (harness.state(owed), harness.delivery(owed).reason) == ("undecided", "vendor is down")
    assert harness.learnt(owed) == ["undecided"]
    asked = len(harness.vendor.asked)
    harness.clock.pass_by(PERSON_AFTER)
    assert (await harness.reconcile(), await harness.dispatch(Channel.EMAIL)) == ({}, 0)
    assert len(harness.vendor.asked) == asked


async def test_without_a_queryable_vendor_a_report_is_awaited_and_then_undecided(
    harness: ReconciliationHarness,
) -> None:
    harness.records["vendor"] = None
    owed = await harness.unknown()
    await harness.reconcile()

    assert harness.state(owed) == "unknown"
    assert harness.due_in(owed) == PERSON_AFTER - CLAIM_DURATION  # a lookup before that could determine nothing
    harness.clock.pass_by(PERSON_AFTER - CLAIM_DURATION)
    assert await harness.reconcile() == {"undecided": 1}
    assert "vendor cannot be queried" in harness.delivery(owed).reason


async def test_a_vendor_that_was_not_called_is_not_queried(harness: ReconciliationHarness) -> None:
    harness.records["vendor"] = None
    owed = await harness.unknown()
    harness.deputy.know(owed)
    harness.clock.pass_by(ABSENT_AFTER)
    await harness.reconcile()

    assert harness.state(owed) == "unknown"
    assert not harness.deputy.asked


async def test_after_a_killed_dispatcher_every_vendor_is_queried(harness: ReconciliationHarness) -> None:
    owed = await harness.claim_and_die()
    harness.deputy.know(owed)

    assert await harness.reconcile() == {"found": 1}
    assert (len(harness.vendor.asked), harness.state(owed)) == (1, "sent")


async def test_one_vendor_that_cannot_be_asked_leaves_it_open_where_any_may_have_it(
    harness: ReconciliationHarness,
) -> None:
    harness.records["deputy"] = None
    owed = await harness.claim_and_die()
    harness.clock.pass_by(ABSENT_AFTER)
    await harness.reconcile()

    assert (len(harness.vendor.asked), harness.state(owed)) == (1, "unknown")


async def test_what_no_vendor_has_after_a_kill_is_sent_again(harness: ReconciliationHarness) -> None:
    owed = await harness.claim_and_die()
    harness.clock.pass_by(ABSENT_AFTER)

    assert await harness.reconcile() == {"absent": 1}
    assert (await harness.dispatch(Channel.EMAIL), harness.state(owed)) == (1, "sent")


async def test_a_second_doubt_begins_anew(harness: ReconciliationHarness) -> None:
    owed = await harness.unknown()
    harness.clock.pass_by(ABSENT_AFTER)
    await harness.reconcile()
    async with harness.new_work() as work:
        await work.deliveries.claim(Channel.EMAIL, harness.clock.now(), harness.clock.now() + CLAIM_DURATION, 1)
        await work.commit()
    harness.clock.pass_by(CLAIM_DURATION)
    await harness.abandon()
    harness.vendor.asked.clear()

    assert await harness.reconcile() == {}
    assert harness.state(owed) == "unknown"  # no vendor has it, but it is only two minutes old
    assert (len(harness.vendor.asked), len(harness.deputy.asked)) == (1, 1)


async def test_without_an_address_no_vendor_is_queried(harness: ReconciliationHarness) -> None:
    owed = await harness.unknown()
    await harness.enrol(1, email="")
    harness.clock.pass_by(ABSENT_AFTER)
    await harness.reconcile()

    assert (harness.state(owed), harness.vendor.asked) == ("unknown", [])


async def test_two_reconcilers_at_once_ask_once(harness: ReconciliationHarness) -> None:
    for number in range(5):
        await harness.unknown(number)
    for owed in harness.store.deliveries:
        harness.vendor.know(owed)  # type: ignore[arg-type]
    counts = await asyncio.gather(harness.reconciler(batch=2)(), harness.reconciler(batch=2)())

    assert sum(count[DeliveryStatus.FOUND] for count in counts) == 5
    assert len(harness.vendor.asked) == 5


async def test_a_reconciler_that_comes_back_late_decides_nothing(harness: ReconciliationHarness) -> None:
    owed = await harness.unknown()
    harness.clock.pass_by(ABSENT_AFTER)
    harness.vendor.trouble = gate = asyncio.Event()
    slow = asyncio.create_task(harness.reconciler()())
    await harness.until(lambda: len(harness.vendor.asked) == 1)
    harness.vendor.trouble = None
    harness.clock.pass_by(timedelta(hours=1))
    await harness.reconcile()
    harness.email.will_answer(ASHA, OutcomeUnknown("again"))
    await harness.dispatch(Channel.EMAIL)
    harness.clock.pass_by(CLAIM_DURATION)
    await harness.reconcile()
    harness.clock.pass_by(ABSENT_AFTER)  # an absence counts from now on, but the pending answer is older
    harness.vendor.trouble = VendorUnavailable("down")
    gate.set()

    assert (await slow, harness.state(owed)) == ({}, "unknown")


async def test_what_was_settled_while_the_vendor_was_asked_stays_settled(harness: ReconciliationHarness) -> None:
    owed = await harness.unknown()
    harness.clock.pass_by(ABSENT_AFTER)
    harness.vendor.trouble = gate = asyncio.Event()
    asking = asyncio.create_task(harness.reconciler()())
    await harness.until(lambda: len(harness.vendor.asked) == 1)
    await harness.settle(str(owed), SENT)
    before = harness.delivery(owed)
    gate.set()

    assert (await asking, harness.state(owed)) == ({}, "sent")
    assert harness.delivery(owed).due_at == before.due_at


async def test_a_message_found_during_a_contrary_decision_is_not_sent_twice(harness: ReconciliationHarness) -> None:
    owed = await harness.unknown()
    harness.vendor.know(owed)
    harness.vendor.trouble = gate = asyncio.Event()
    asking = asyncio.create_task(harness.reconciler()())
    await harness.until(lambda: len(harness.vendor.asked) == 1)
    await harness.settle(str(owed), NOT_SENT)
    gate.set()
    await asking

    assert (harness.state(owed), await harness.dispatch(Channel.EMAIL)) == ("sent", 0)


async def test_one_that_cannot_be_looked_into_does_not_hold_up_the_others(harness: ReconciliationHarness) -> None:
    first, second = await harness.unknown(1), await harness.unknown(2)
    harness.vendor.know(second)
    harness.store.deliveries[first].template = "mistyped"

    assert await harness.reconcile() == {"found": 1}
    assert (harness.state(first), harness.state(second)) == ("unknown", "sent")
    assert harness.due_in(first) > timedelta()


async def test_a_database_that_is_away_is_no_answer(harness: ReconciliationHarness) -> None:
    owed = await harness.unknown()
    harness.vendor.know(owed)
    harness.vendor.trouble = gate = asyncio.Event()
    asking = asyncio.create_task(harness.reconciler()())
    await harness.until(lambda: len(harness.vendor.asked) == 1)
    harness.away = 1
    gate.set()
    with pytest.raises(Unavailable):
        await asking

    assert harness.state(owed) == "unknown"
    harness.vendor.trouble = None
    harness.clock.pass_by(timedelta(hours=1))
    assert await harness.reconcile() == {"found": 1}

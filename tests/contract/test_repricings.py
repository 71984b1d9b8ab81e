"""The contract of repricings and of the adjustments that they propose, for every kind of persistence."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from config.container import Application
from core.fees.errors import RepricingNotReady, UnknownRepricing
from core.fees.pricing.audience import Audience
from core.fees.pricing.concession import Concession
from core.fees.pricing.flat_fee import FlatFee
from core.fees.repricing import RepricingState, RepricingView
from core.fees.schedule import FeeSchedule
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.kernel.authorization import Permission, Principal, acting_as
from core.kernel.decisions import Choice, Decision, SamePerson
from core.kernel.errors import Conflict, CoreError, Unavailable
from core.kernel.money import Money
from core.ledger.verify_ledger import LedgerVerification
from core.payments.adjustment import AdjustmentKind, AdjustmentState
from core.payments.errors import AlreadyDecided, UnknownAdjustment, WaivedTooMuch
from core.payments.fee_account import FeeStatus
from core.payments.list_adjustments import AdjustmentView
from core.payments.payment import RefundStage
from core.payments.request_waiver import WantedWaiver
from core.students.student import Student, StudentId
from entrypoints.messages.consumer import Consumer
from entrypoints.routes import ROUTES
from tests.contract import repricing_process
from tests.contract.test_fee_accounts import a_payment, read, take
from tests.contract.test_receipts_of_payments import started
from tests.examples import a_request, a_schedule, a_student, an_enrolment, enrol, ids, publish, unpublished

CODE = "sahyadri-test"
ASKER, DECIDER = (Principal(subject=f"account:{name}", permissions=frozenset(Permission)) for name in ("asker", "head"))


def inr(minor: int) -> Money:
    return Money(minor, "INR")


@dataclass
class Office:
    """An application, and the events that were delivered to it."""

    stored: Application
    told: dict[UUID, str] = field(default_factory=dict)

    async def publish(self, version: int, *rules: FlatFee | Concession, **changes: object) -> FeeSchedule:
        schedule: FeeSchedule = replace(a_schedule(version=version), rules=rules, **changes)  # type: ignore[arg-type]
        await publish(self.stored, schedule)
        return schedule

    async def submit(self, number: int = 1, **enrolment: object) -> UUID:
        await enrol(self.stored, a_student(number, **enrolment))
        wanted = ExamFeeSubmission(schedule=CODE, registration=f"T-{number}", papers=("041",))
        submission = await self.stored.use_cases().fees.submit_exam_fee(wanted, a_request(f"fee-{number}"))
        await self.deliver()
        return submission.id

    async def deliver(self) -> Sequence[str]:
        """Deliver what a relay would publish, until nothing more follows; return the types."""
        consume = Consumer(self.stored.messaging.new_inbox, ROUTES, self.stored.use_cases())
        delivered = []
        while new := [
            each.message for each in await unpublished(self.stored, 1000) if each.message.id not in self.told
        ]:
            for message in new:
                await consume([message])
                self.told[message.id] = message.type
                delivered.append(message.type)
        return delivered

    async def count(self, who: Principal = ASKER) -> RepricingView:
        with acting_as(who):
            asked = await self.stored.use_cases().fees.request_repricing(CODE, a_request(str(ids.new())))
        await self.work()
        return await self.show(asked.id)

    async def show(self, repricing: UUID) -> RepricingView:
        return await self.stored.use_cases().fees.show_repricing(repricing)

    async def work(self) -> int:
        taken = 0
        while some := await self.stored.use_cases().fees.reprice_submissions():
            taken += some
        return taken

    async def reprice(self, who: Principal = ASKER) -> RepricingView:
        counted = await self.count(who)
        with acting_as(who):
            await self.stored.use_cases().fees.start_repricing(counted.id, counted.changes, "a wrong price")
        await self.work()
        await self.deliver()
        return await self.show(counted.id)

    async def tasks(self, state: AdjustmentState = AdjustmentState.OPEN) -> Sequence[AdjustmentView]:
        with acting_as(DECIDER):
            return (await self.stored.use_cases().payments.list_adjustments(state, None, 1000)).items

    async def decide(
        self, *wanted: UUID, choice: Choice = Choice.APPROVE, who: Principal = DECIDER
    ) -> Sequence[AdjustmentView | CoreError]:
        with acting_as(who):
            outcomes = await self.stored.use_cases().payments.decide_adjustments(wanted, choice, "as resolved")
        await self.deliver()
        return [outcomes[each] for each in wanted]

    async def verify(self) -> LedgerVerification:
        with acting_as(DECIDER):
            return await self.stored.use_cases().ledger.verify_ledger(lambda _: None)

    async def balance(self, account: str) -> Sequence[Money]:
        with acting_as(DECIDER):
            return (await self.stored.use_cases().ledger.show_balance(account)).balances


@pytest.fixture
def office(stored: Application) -> Office:
    return Office(stored)


def exam(minor: int) -> FlatFee:
    return FlatFee(head="examination", title="Examination", amount=minor)


async def test_a_lower_price_after_the_payment_gives_the_difference_back(office: Office) -> None:
    await office.publish(1, exam(150_000))
    fee = await office.submit()
    await take(office.stored, fee, a_payment(150_000, "pay-1"))
    await office.publish(2, exam(120_000))

    counted = await office.count()
    assert (counted.state, counted.figures.refunds, counted.figures.refunded_minor) == ("counted", 1, 30_000)
    assert await office.tasks() == []  # a count changes nothing
    done = await office.reprice()
    assert (done.state, done.figures, done.total) == (RepricingState.DONE, counted.figures, 1)
    (task,) = await office.tasks()
    assert (task.kind, task.before, task.after, task.asked_by) == ("refund", inr(150_000), inr(120_000), ASKER.subject)
    assert (await read(office.stored, fee)).owed == inr(0)  # a proposal changes nothing

    (refusal,) = await office.decide(task.adjustment, who=ASKER)
    assert isinstance(refusal, SamePerson)
    (approved,) = await office.decide(task.adjustment)

    assert isinstance(approved, AdjustmentView)
    assert (approved.state, approved.decided_by, approved.why) == ("approved", DECIDER.subject, "as resolved")
    account = await read(office.stored, fee)
    (refund,) = account.payments[0].refunds
    assert (account.due, account.status, refund.amount, refund.stage) == (
        inr(120_000),
        FeeStatus.PAID,
        inr(30_000),
        RefundStage.RESERVED,
    )
    posted = await office.stored.payments.records().find(fee)
    assert posted and posted.balance == account.owed
    assert await office.balance("income:examination") == [inr(-120_000)]
    assert (await office.verify()).disagreement == ""
    assert "FeeClearanceRevoked" not in office.told.values()


async def test_a_higher_price_after_the_payment_is_a_demand_that_revokes_the_clearance(office: Office) -> None:
    await office.publish(1, exam(120_000))
    fee = await office.submit()
    await take(office.stored, fee, a_payment(120_000, "pay-1"))
    await office.deliver()
    assert (await read(office.stored, fee)).cleared
    await office.publish(2, exam(150_000))
    await office.reprice()
    (task,) = await office.tasks()
    assert task.kind is AdjustmentKind.DEMAND

    await office.decide(task.adjustment)

    account = await read(office.stored, fee)
    assert (account.cleared, account.owed, account.status) == (False, inr(30_000), FeeStatus.PART_PAID)
    await take(office.stored, fee, a_payment(30_000, "pay-2"))
    await office.deliver()
    assert (await read(office.stored, fee)).cleared
    assert list(office.told.values()).count("FeeCleared") == 2
    assert (await office.verify()).disagreement == ""


async def test_an_unpaid_fee_and_one_of_the_new_version_are_told_apart(office: Office) -> None:
    await office.publish(1, exam(150_000))
    old = await office.submit(1)
    await office.publish(2, exam(120_000))
    await office.submit(2)

    done = await office.reprice()
    assert (done.figures.submissions, done.figures.refunds) == (1, 1)
    (task,) = await office.tasks()
    await office.decide(task.adjustment)

    account = await read(office.stored, old)
    assert (account.owed, account.status, account.payments) == (inr(120_000), FeeStatus.UNPAID, [])


async def test_a_new_concession_is_posted_to_its_own_account(office: Office) -> None:
    await office.publish(1, exam(100_000), certificates=("blind",))
    fee = await office.submit(1, certificates=frozenset({"blind"}))
    await office.submit(2)
    off = Concession(basis_points=2_500, audience=Audience(certificates=frozenset({"blind"})))
    await office.publish(2, exam(100_000), off, certificates=("blind",))

    figures = (await office.reprice()).figures
    assert (figures.refunds, figures.refunded_minor, figures.unchanged) == (1, 25_000, 1)
    (task,) = await office.tasks()
    await office.decide(task.adjustment)

    assert (await read(office.stored, fee)).owed == inr(75_000)
    assert await office.balance("concession:concession") == [inr(25_000)]
    assert await office.balance("income:examination") == [inr(-200_000)]
    assert (await office.verify()).disagreement == ""


async def test_another_head_of_the_same_amount_is_a_transfer_that_tells_no_candidate(office: Office) -> None:
    await office.publish(1, exam(100_000))
    await office.submit()
    await office.publish(2, FlatFee(head="processing", title="Processing", amount=100_000))
    assert (await office.reprice()).figures.transfers == 1
    (task,) = await office.tasks()
    assert task.kind is AdjustmentKind.TRANSFER

    await office.decide(task.adjustment)

    assert [await office.balance(f"income:{head}") for head in ("examination", "processing")] == [
        [inr(0)],
        [inr(-100_000)],
    ]
    assert (await office.verify()).disagreement == ""


async def test_of_two_repricings_one_task_is_open_and_the_older_one_stays_marked(office: Office) -> None:
    await office.publish(1, exam(150_000))
    fee = await office.submit()
    await office.publish(2, exam(140_000))
    await office.reprice()
    (first,) = await office.tasks()
    await office.publish(3, exam(120_000))
    await office.reprice()

    (second,) = await office.tasks()
    (replaced,) = await office.tasks(AdjustmentState.REPLACED)
    assert (replaced.adjustment, second.before, second.after) == (first.adjustment, inr(150_000), inr(120_000))
    (refusal,) = await office.decide(first.adjustment)
    assert isinstance(refusal, AlreadyDecided)
    await office.decide(second.adjustment)
    await office.publish(4, exam(150_000))
    await office.reprice()
    (third,) = await office.tasks()
    assert (third.kind, third.before, third.after) == ("demand", inr(120_000), inr(150_000))
    await office.decide(third.adjustment)
    assert (await read(office.stored, fee)).owed == inr(150_000)
    assert (await office.verify()).disagreement == ""


async def test_a_refused_task_changes_nothing(office: Office) -> None:
    await office.publish(1, exam(150_000))
    fee = await office.submit()
    await office.publish(2, exam(120_000))
    await office.reprice()
    (task,) = await office.tasks()

    await office.decide(task.adjustment, choice=Choice.REFUSE)

    assert (await read(office.stored, fee)).owed == inr(150_000)
    assert [each.adjustment for each in await office.tasks(AdjustmentState.REFUSED)] == [task.adjustment]


async def test_many_decisions_are_taken_and_one_refusal_stops_no_other(office: Office) -> None:
    await office.publish(1, exam(150_000))
    for number in range(1, 61):
        await office.submit(number)
    await office.publish(2, exam(120_000))
    await office.reprice()
    tasks = [each.adjustment for each in await office.tasks()]
    await office.decide(tasks[7])
    unknown = ids.new()

    outcomes = await office.decide(unknown, *tasks)

    assert isinstance(outcomes[0], UnknownAdjustment)
    assert [type(each).__name__ for each in outcomes[1:] if isinstance(each, CoreError)] == ["AlreadyDecided"]
    assert len(await office.tasks(AdjustmentState.APPROVED)) == 60
    assert (await office.verify()).disagreement == ""


async def test_a_fee_that_is_waived_more_than_it_costs_then_is_not_adjusted(office: Office) -> None:
    await office.publish(1, exam(150_000))
    fee = await office.submit()
    payments = office.stored.use_cases().payments
    wanted = WantedWaiver(head="examination", amount=inr(140_000), reason="flood")
    with acting_as(ASKER):
        waiver = await payments.request_waiver(str(fee), wanted, a_request("waive"))
    with acting_as(DECIDER):
        await payments.decide_waiver(waiver.waiver, Choice.APPROVE, "seen")
    await office.publish(2, exam(120_000))
    await office.reprice()
    (task,) = await office.tasks()

    (refusal,) = await office.decide(task.adjustment)

    assert isinstance(refusal, WaivedTooMuch)
    assert (await read(office.stored, fee)).owed == inr(10_000)
    assert len(await office.tasks()) == 1


async def test_a_student_with_other_facts_now_is_left_to_a_person_by_name(office: Office) -> None:
    discount = Concession(basis_points=1_000, audience=Audience(categories=frozenset({"staff"})))
    await office.publish(1, exam(150_000), discount, categories=("student", "staff"))
    fee, other = await office.submit(1), await office.submit(2)
    away = Concession(basis_points=5_000, audience=Audience(categories=frozenset({"staff"})))
    await office.publish(2, exam(150_000), away, categories=("student", "staff"))
    with acting_as(DECIDER):
        await office.stored.use_cases().students.erase_student("T-1", Decision.of_caller("asked for it"))

    student = (await read(office.stored, other)).student
    await enrol(office.stored, Student(id=StudentId(student), enrolment=an_enrolment(2, category="staff")))

    done = await office.reprice()

    assert (done.figures.unpriced, done.figures.changes) == (2, 0)
    assert done.unpriced == tuple([(await read(office.stored, each)).reference for each in (fee, other)])


async def test_what_is_told_again_changes_nothing(office: Office) -> None:
    await office.publish(1, exam(150_000))
    await office.submit()
    await office.publish(2, exam(120_000))
    await office.reprice()
    (task,) = await office.tasks()
    await office.decide(task.adjustment)

    again = await office.reprice()  # asked for again: whose difference is told is not looked at again
    for message in [each.message for each in await unpublished(office.stored, 1000)]:
        consume = Consumer(office.stored.messaging.new_inbox, ROUTES, office.stored.use_cases())
        await consume([replace(message, id=ids.new())])

    assert again.figures.submissions == 0
    assert await office.tasks() == []
    assert len(await office.tasks(AdjustmentState.APPROVED)) == 1
    assert (await office.verify()).disagreement == ""


async def test_work_is_to_be_continued_behind_submissions_that_are_none_of_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheduler runs it again soon while it has looked at some, and else after its whole interval."""
    monkeypatch.setattr("core.fees.repricings.reprice_submissions.SUBMISSIONS_PER_BATCH", 1)
    monkeypatch.setattr("core.fees.repricings.reprice_submissions.BATCHES_PER_RUN", 1)
    await office.publish(1, exam(150_000))
    await office.submit()
    await office.publish(2, exam(120_000))
    await office.reprice()

    counted = await office.count()  # the only submission is told

    assert (counted.state, counted.figures.submissions) == (RepricingState.COUNTED, 0)


async def test_a_repricing_starts_with_the_count_that_was_seen_and_of_the_newest_version(office: Office) -> None:
    fees = office.stored.use_cases().fees
    await office.publish(1, exam(150_000))
    await office.submit()
    await office.publish(2, exam(120_000))
    counted = await office.count()
    with acting_as(ASKER):
        with pytest.raises(RepricingNotReady, match="2 changes were confirmed, and there are 1"):
            await fees.start_repricing(counted.id, 2, "a wrong price")
        with pytest.raises(UnknownRepricing):
            await fees.start_repricing(ids.new(), 1, "a wrong price")
        await office.publish(3, exam(130_000))
        with pytest.raises(RepricingNotReady, match="a newer version"):
            await fees.start_repricing(counted.id, 1, "a wrong price")
        newer = await office.count()
        await fees.start_repricing(newer.id, 1, "a wrong price")
        with pytest.raises(RepricingNotReady, match="running"):
            await fees.start_repricing(newer.id, 1, "a wrong price")
    assert (await office.show(counted.id)).state is RepricingState.REPLACED


async def test_two_processes_share_a_repricing_and_tell_each_difference_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.fees.repricings.reprice_submissions.SUBMISSIONS_PER_BATCH", 3)
    await office.publish(1, exam(150_000))
    for number in range(1, 21):
        await office.submit(number)
    await office.publish(2, exam(120_000))
    counted = await office.count()
    fees = office.stored.use_cases().fees
    with acting_as(ASKER):
        await fees.start_repricing(counted.id, 20, "a wrong price")

    async def process() -> None:
        while (await office.show(counted.id)).state is RepricingState.RUNNING:
            try:
                await fees.reprice_submissions()
            except (Conflict, Unavailable):  # the loser of a lock tries again
                continue

    await asyncio.gather(*[process() for _ in range(4)])
    delivered = await office.deliver()

    assert delivered.count("FeeRepriced") == 20
    assert (await office.show(counted.id)).figures.refunds == 20
    assert len(await office.tasks()) == 20


async def test_a_stopped_repricing_goes_on_where_it_was(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.fees.repricings.reprice_submissions.SUBMISSIONS_PER_BATCH", 2)
    monkeypatch.setattr("core.fees.repricings.reprice_submissions.BATCHES_PER_RUN", 2)
    await office.publish(1, exam(150_000))
    for number in range(1, 10):
        await office.submit(number)
    await office.publish(2, exam(120_000))
    counted = await office.count()
    fees = office.stored.use_cases().fees
    with acting_as(ASKER):
        await fees.start_repricing(counted.id, 9, "a wrong price")
    await fees.reprice_submissions()
    half = await office.show(counted.id)
    running = asyncio.ensure_future(fees.reprice_submissions())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])

    await office.work()

    done = await office.show(counted.id)
    assert (half.figures.refunds, done.figures.refunds, done.state) == (4, 9, RepricingState.DONE)
    assert (await office.deliver()).count("FeeRepriced") == 9


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
async def test_killed_processes_tell_each_difference_once(office: Office) -> None:
    await office.publish(1, exam(150_000))
    for number in range(1, 41):
        await office.submit(number)
    await office.publish(2, exam(120_000))
    counted = await office.count()
    with acting_as(ASKER):
        await office.stored.use_cases().fees.start_repricing(counted.id, 40, "a wrong price")

    for batches in (2, 4):  # killed in the batch that follows, while another process works beside it
        killed, other = (started(office.stored, repricing_process.__name__) for _ in range(2))
        for _ in range(batches):
            assert killed.stdout
            await asyncio.to_thread(killed.stdout.readline)
        for process in (killed, other):
            process.kill()
            await asyncio.to_thread(process.communicate)
    last = started(office.stored, repricing_process.__name__)
    output = (await asyncio.to_thread(last.communicate, timeout=60))[0]

    assert output.splitlines()[-1] == "finished"
    done = await office.show(counted.id)
    assert (done.state, done.figures.refunds, done.figures.submissions) == (RepricingState.DONE, 40, 40)
    assert (await office.deliver()).count("FeeRepriced") == 40
    assert len(await office.tasks()) == 40

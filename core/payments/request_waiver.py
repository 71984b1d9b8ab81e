"""Request a waiver."""

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, current_principal, requires
from core.kernel.constraints import Whole
from core.kernel.decisions import Decision, Why
from core.kernel.errors import Unprocessable
from core.kernel.idempotency import RequestContext
from core.kernel.ids import Ids
from core.kernel.money import Money
from core.payments.errors import UnknownHead
from core.payments.named_fee import reachable_fee
from core.payments.ports import FeeNames, NewPaymentsUnitOfWork, Waivers
from core.payments.waiver import Waiver, WaiverState, WaiverVerdict

BASIS_POINTS = 100
"""Of one percent."""
Percent = Annotated[int, Whole(1, 100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedWaiver:
    """What is asked for: an amount, or a percentage of what is due now."""

    head: str
    """The income head, as the fee was charged: `examination`."""
    amount: Money | None = None
    percent: Percent | None = None
    reason: Why

    def __post_init__(self) -> None:
        if (self.amount is None) == (self.percent is None):
            raise Unprocessable("a waiver is of an `amount` or of a `percent` of what is due", at="$.amount")
        Decision(who="-", why=self.reason)

    def of(self, due: Money) -> Money:
        """Return the amount, of a percentage rounded to a minor unit, halves up."""
        return self.amount or due.percent((self.percent or 0) * BASIS_POINTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverView:
    """A waiver as people see it."""

    waiver: UUID
    fee: UUID
    reference: str
    head: str
    amount: Money
    percent: int | None
    reason: str
    state: WaiverState
    requested_by: str
    decision: WaiverVerdict | None
    due_before: Money | None
    """What was due before and after the approval."""
    due_after: Money | None
    retraction: WaiverVerdict | None

    @classmethod
    def of(cls, fee: UUID, reference: str, waiver: Waiver) -> "WaiverView":
        """Return what people see."""
        same = ("head", "amount", "percent", "reason", "state", "requested_by", "decision", "due_before", "due_after")
        told = {name: getattr(waiver, name) for name in (*same, "retraction")}
        return cls(waiver=waiver.id, fee=fee, reference=reference, **told)


@requires(Permission.WAIVERS_REQUEST)
@dataclass(frozen=True, slots=True)
class RequestWaiver:
    """Ask to waive a part of a fee; nothing is waived before another person has approved it."""

    ACTION: ClassVar = "request-waiver"

    new_work: NewPaymentsUnitOfWork
    names: FeeNames
    waivers: Waivers
    ids: Ids

    async def __call__(self, fee: str, wanted: WantedWaiver, request: RequestContext) -> WaiverView:
        """Return the request; raise `UnknownFee`, `UnknownHead`, `WaivedTooMuch` or `WrongCurrency`."""
        submission = (await reachable_fee(self.names, fee)).submission
        heads = sorted(await self.waivers.heads(submission))
        if wanted.head not in heads:
            raise UnknownHead(f"the fee was charged for {', '.join(heads) or 'no head'}", at="$.head")
        async with self.new_work() as work:
            account = (await work.accounts.lock([submission]))[submission]
            waiver = Waiver(
                id=self.ids.new(),
                head=wanted.head,
                amount=wanted.of(account.due),
                percent=wanted.percent,
                reason=wanted.reason,
                requested_by=current_principal.get().subject,
                requested_at=request.arrived,
            )
            account.check_waivable(waiver.amount)
            account.waivers.append(waiver)
            view = WaiverView.of(submission, account.reference, waiver)
            work.accounts.save(account)
            work.audit(waiver_deed(self.ACTION, account.reference, waiver, wanted.reason))
            work.record_answer(request, view)
            await work.commit()
        return view


def waiver_deed(action: str, reference: str, waiver: Waiver, reason: str) -> Deed:
    """Return what the audit record of a deed about a waiver tells."""
    due = waiver.due_before and {"due": waiver.due_before.minor}
    after = {"fee": reference, "head": waiver.head, "amount": waiver.amount.minor, "state": str(waiver.state)}
    if waiver.due_after:
        after["due"] = waiver.due_after.minor
    return Deed(action=action, target=f"waiver/{waiver.id}", before=due, after=after, reason=reason)

"""Settle an exception of a settlement file."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.decisions import Decision
from core.kernel.ids import Ids
from core.settlements.errors import ExceptionSettled, UnknownException
from core.settlements.list_exceptions import ExceptionView
from core.settlements.ports import NewSettlementsUnitOfWork
from core.settlements.settlement_line import ExceptionKind, ExceptionState, SettlementPosted


class ExceptionVerdict(StrEnum):
    """The two possible decisions."""

    ACCEPT = "accept"
    DISMISS = "dismiss"


STATES: Mapping[ExceptionVerdict, ExceptionState] = {
    ExceptionVerdict.ACCEPT: ExceptionState.ACCEPTED,
    ExceptionVerdict.DISMISS: ExceptionState.DISMISSED,
}


@requires(Permission.SETTLEMENTS_WRITE)
@dataclass(frozen=True, slots=True)
class SettleException:
    """Post an exception as the gateway tells it, or dismiss it; a payment that is missing there posts nothing."""

    ACTION: ClassVar = "settle-exception"

    new_work: NewSettlementsUnitOfWork
    clock: Clock
    ids: Ids

    async def __call__(self, exception: UUID, verdict: ExceptionVerdict, why: str) -> ExceptionView:
        """Return the exception; raise `UnknownException`, or `ExceptionSettled` after a decision."""
        decision = Decision.of_caller(why)
        async with self.new_work() as work:
            found = await work.exceptions.lock(exception)
            if found is None:
                raise UnknownException(f"there is no exception {exception}")
            if found.state is not ExceptionState.OPEN:
                raise ExceptionSettled(f"the exception {exception} is {found.state}", facts={"state": found.state})
            found.state, found.decided_by, found.why = STATES[verdict], decision.who, decision.why
            if verdict is ExceptionVerdict.ACCEPT and found.kind is not ExceptionKind.MISSING_THERE:
                work.record(
                    SettlementPosted(
                        at=self.clock.now(),
                        subject=self.ids.new(),
                        version=1,
                        gateway=found.gateway,
                        bank=found.bank,
                        settlement=found.settlement,
                        gross=found.amount,
                        fees=found.fees,
                        settled_at=found.at,
                        lines=1,
                    )
                )
            work.exceptions.save(found)
            target = f"settlement-exception/{exception}"
            work.audit(Deed(action=self.ACTION, target=target, after=found.state, reason=decision.why))
            await work.commit()
        return ExceptionView.of(found)

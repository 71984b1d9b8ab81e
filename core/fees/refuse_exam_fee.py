"""Answer a command that cannot be followed."""

from dataclasses import dataclass
from uuid import UUID

from core.fees.ports import NewFeesWork
from core.fees.submission import ExamFeeRefused
from core.shared.clock import Clock
from core.shared.errors import CoreError, problem_type


@dataclass(frozen=True, slots=True)
class RefuseExamFee:
    """Tell whoever sent a command why it was refused."""

    new_work: NewFeesWork
    clock: Clock

    async def __call__(self, command: UUID, refusal: CoreError) -> None:
        """Record the refusal as an event of the command."""
        async with self.new_work() as work:
            work.record(
                ExamFeeRefused(
                    at=self.clock.now(),
                    subject=command,
                    version=1,
                    problem=problem_type(type(refusal)),
                    detail=str(refusal),
                    field=refusal.at,
                )
            )
            await work.commit()

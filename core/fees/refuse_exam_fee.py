"""Answer a command that cannot be followed."""

from dataclasses import dataclass
from uuid import UUID

from core.fees.ports import NewFeesUnitOfWork
from core.fees.submission import ExamFeeRefused
from core.kernel.clock import Clock
from core.kernel.errors import CoreError, problem_type
from core.kernel.ids import Ids


@dataclass(frozen=True, slots=True)
class RefuseExamFee:
    """Tell whoever sent a command why it was refused."""

    new_work: NewFeesUnitOfWork
    clock: Clock
    ids: Ids

    async def __call__(self, command: UUID, refusal: CoreError) -> None:
        """Record the refusal."""
        async with self.new_work() as work:
            work.record(
                ExamFeeRefused(
                    at=self.clock.now(),
                    subject=self.ids.new(),
                    version=1,
                    command=command,
                    problem=problem_type(type(refusal)),
                    detail=str(refusal),
                    field=refusal.at,
                )
            )
            await work.commit()

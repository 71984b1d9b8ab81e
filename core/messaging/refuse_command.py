"""Refuse a command."""

from dataclasses import dataclass
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.errors import CoreError, problem_type
from core.kernel.ids import Ids
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork
from core.messaging.command_refused import CommandRefused


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class RefuseCommand:
    """Announce why a command had no effect."""

    new_work: NewUnitOfWork[UnitOfWork]
    clock: Clock
    ids: Ids

    async def __call__(self, event_type: type[CommandRefused], command: UUID, refusal: CoreError) -> None:
        """Record an event of this type about the message `command`."""
        refused = event_type(
            at=self.clock.now(),
            subject=self.ids.new(),
            version=1,
            command=command,
            problem=problem_type(type(refusal)),
            detail=str(refusal),
            field=refusal.at,
        )
        async with self.new_work() as work:
            work.record(refused)
            await work.commit()

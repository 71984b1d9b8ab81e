"""Replay a dead letter."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.decisions import Decision
from core.kernel.errors import Unavailable, error_name
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork
from core.messaging.dead_letters import (
    DeadLetterState,
    LetterAlreadySettled,
    LetterStillBuried,
    NotUnderstoodHere,
    UnknownDeadLetter,
    settled,
)
from core.messaging.inbox import Inbox, NewInbox
from core.messaging.message import Message
from core.messaging.routing import RoutedUseCases, Routes, UnknownMessage, UnknownVersion


@requires(Permission.DEAD_LETTERS_REPLAY)
@dataclass(frozen=True, slots=True)
class ReplayDeadLetter:
    """Process a dead letter with its original id, time of arrival, trace and body.

    It is not published again: other consumers have had it, and a new arrival could be after its deadline.
    """

    ACTION: ClassVar = "replay-dead-letter"

    new_inbox: NewInbox
    new_work: NewUnitOfWork[UnitOfWork]
    routes: Routes
    use_cases: Callable[[], RoutedUseCases]

    async def __call__(self, letter: UUID, decision: Decision) -> None:
        """Return once its effects are committed.

        Raises `UnknownDeadLetter`, `LetterAlreadySettled`, `NotUnderstoodHere` or `Unavailable`, which change
        nothing, or `LetterStillBuried`, after which the new reason is stored.
        """
        try:
            async with self.new_inbox() as inbox:
                message = await inbox.dead_letters.settle(letter, DeadLetterState.REPLAYED, decision)
                await self._handle(message, inbox)
                async with self.new_work(within=inbox) as work:
                    work.audit(settled(self.ACTION, letter, decision))
                    await work.commit()
                await inbox.commit()
        except (UnknownDeadLetter, LetterAlreadySettled, NotUnderstoodHere, Unavailable):
            raise
        except Exception as failure:
            async with self.new_inbox() as inbox:
                await inbox.dead_letters.record_failed_replay(letter, failure, decision)
                await inbox.commit()
            raise LetterStillBuried(f"it failed again: {error_name(failure)}: {failure}") from failure

    async def _handle(self, message: Message, inbox: Inbox) -> None:
        try:
            await self.routes.process([message], self.use_cases().within(inbox))
        except (UnknownMessage, UnknownVersion) as refusal:
            raise NotUnderstoodHere(str(refusal)) from refusal

"""The unit of work: all of it happens, or none of it does."""

from abc import abstractmethod
from types import TracebackType
from typing import Protocol, Self

from core.kernel.events import Event
from core.kernel.idempotency import RequestContext


class UnitOfWork(Protocol):
    """One transaction.  Leaving it without `commit` undoes everything."""

    @abstractmethod
    async def __aenter__(self) -> Self: ...

    @abstractmethod
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    @abstractmethod
    def record(self, *events: Event) -> None:
        """Publish these facts if, and only if, this work is committed."""

    @abstractmethod
    def answer(self, request: RequestContext, result: object) -> None:
        """Remember what this request was answered, if and only if this work is committed."""

    @abstractmethod
    async def commit(self) -> None:
        """Make the work durable; raise `RequestRepeated`, or the conflict that a repository names."""

"""The port of the unit of work."""

from abc import abstractmethod
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from core.kernel.audit import Deed
from core.kernel.events import Event
from core.kernel.idempotency import RequestContext


class UnitOfWork(Protocol):
    """One transaction; leaving the block without `commit` rolls it back."""

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
    def record(self, *events: Event, kept: object = None) -> None:
        """Append events to the event log and the outbox, in this transaction.

        The log alone stores `kept`: what is needed to rebuild a row from the event, and no other program is told.
        """

    @abstractmethod
    def record_answer(self, request: RequestContext, result: object) -> None:
        """Store the answer of a request under its idempotency key, in this transaction."""

    @abstractmethod
    def audit(self, deed: Deed) -> None:
        """Store the audit record of a deed of the current principal, in this transaction."""

    @abstractmethod
    async def commit(self) -> None:
        """Commit; raise `RequestRepeated`, or the conflict that a repository names."""


class Transaction(Protocol):
    """An open transaction that units of work can join."""

    @abstractmethod
    def begin(self) -> AbstractAsyncContextManager[Any]:
        """Begin a part; the yielded object is private to the adapter and its units of work."""


W_co = TypeVar("W_co", bound=UnitOfWork, covariant=True)


class NewUnitOfWork(Protocol[W_co]):
    """Opens units of work of one context."""

    @abstractmethod
    def __call__(self, *, within: Transaction | None = None) -> W_co:
        """Return a unit of work with its own transaction, or one that is a part of `within`."""

"""Routes of messages to use cases; the table itself belongs to the driving adapter that decodes messages."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from core.kernel.authorization import ANONYMOUS, SYSTEM, Principal, acting_as
from core.kernel.errors import Invalid
from core.kernel.unit_of_work import Transaction
from core.messaging.inbox import DEAD_LETTER_SUFFIX
from core.messaging.log_records import Fold
from core.messaging.message import Message, is_own_context

SUPPORTED_DATA_VERSION = 1
"""The version of every body, the header `ce_dataversion`."""
RouteKey = tuple[str, str]
"""A context and a message type: an event is accepted only from the topic that its context alone writes to."""


class UnknownMessage(Invalid):
    """No route exists for messages of this type."""

    problem = "unknown-message"


class MalformedMessage(Invalid):
    """A record is no message that can be processed."""

    problem = "malformed-message"


class UnknownVersion(Invalid):
    """A message has another data version than the supported one."""

    problem = "unknown-version"


class RoutedUseCases(Protocol):
    """The use cases that routes call."""

    @abstractmethod
    def within(self, transaction: Transaction) -> Self:
        """Return use cases whose units of work are parts of an open transaction."""

    @abstractmethod
    def without_sending(self) -> Self:
        """Return use cases that record new notices as suppressed instead of sending them."""


Route = Callable[[Sequence[Message], Any], Awaitable[None]]
"""Processes consecutive messages of one key with the use cases of their transaction, each under its own trace."""
Projector = Callable[[Sequence[Message], int, Any], Awaitable[None]]
"""Projects events into one generation of a projection."""


@dataclass(frozen=True, slots=True)
class Routes:
    """The routes of one program."""

    table: Mapping[RouteKey, Route] = field(default_factory=dict)
    max_per_transaction: Mapping[RouteKey, int] = field(default_factory=dict)
    """The limit of messages in one transaction by key, for keys whose effects lock rows that others need."""
    principals: Mapping[str, Principal] = field(default_factory=dict)
    """Who acts by the messages of a context that other programs write: what its topic admits, and no more."""
    projectors: Mapping[str, Projector] = field(default_factory=dict)
    """How a new generation of a projection is filled, by its name; the others are completed in place."""
    folds: Mapping[str, Fold] = field(default_factory=dict)
    """The records that follow from the log, by the name of the projection."""

    def route(self, message: Message) -> Route:
        """Return the route of a message, or one that rejects it: malformed, of another data version, or unknown."""
        if message.malformed:
            return reject_malformed
        if message.data_version != SUPPORTED_DATA_VERSION:
            return reject_unknown_version
        return self.table.get((message.context, message.type), reject_unknown_type)

    def principal(self, message: Message) -> Principal:
        """Return who acts by a message: the program itself by its own events."""
        return SYSTEM if is_own_context(message.context) else self.principals.get(message.context, ANONYMOUS)

    async def process(self, messages: Sequence[Message], use_cases: Any) -> None:
        """Process consecutive messages with one route and one principal, as `route` and `principal` return them."""
        with acting_as(self.principal(messages[0])):
            await self.route(messages[0])(messages, use_cases)

    @property
    def contexts(self) -> tuple[str, ...]:
        """Return the contexts of all messages, dead letters included; the broker has a topic for each."""
        origins = {context.partition(".")[0] for context, _ in self.table}
        dead_letters = {f"{origin}.{DEAD_LETTER_SUFFIX}" for origin in origins}
        return tuple(sorted({context for context, _ in self.table} | dead_letters))

    @property
    def consumed_contexts(self) -> tuple[str, ...]:
        """Return the contexts that the consumer subscribes to; dead letters are only written."""
        return tuple(context for context in self.contexts if not context.endswith(f".{DEAD_LETTER_SUFFIX}"))


async def reject_malformed(messages: Sequence[Message], _use_cases: Any) -> None:
    """Raise `MalformedMessage`."""
    raise MalformedMessage(messages[0].malformed)


async def reject_unknown_type(messages: Sequence[Message], _use_cases: Any) -> None:
    """Raise `UnknownMessage`."""
    raise UnknownMessage(f"no route for type {messages[0].type[:80]!r} from {messages[0].context}")


async def reject_unknown_version(messages: Sequence[Message], _use_cases: Any) -> None:
    """Raise `UnknownVersion`."""
    which = f"version {messages[0].data_version or '?'} of {messages[0].type[:80]!r}"
    raise UnknownVersion(
        f"this is {which}, and this program supports {SUPPORTED_DATA_VERSION}: upgrade, then replay the dead letter"
    )

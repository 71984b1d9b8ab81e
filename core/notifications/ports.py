"""What the notifications context needs from vendors."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NewType, Protocol, TypeVar
from uuid import UUID

from core.shared.errors import CoreError, Invalid, Unavailable

DeliveryId = NewType("DeliveryId", UUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """An e-mail, before any vendor has seen it."""

    delivery: DeliveryId
    to: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """A text message, before any vendor has seen it."""

    delivery: DeliveryId
    to: str
    """E.164: +919876543210."""
    text: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A vendor took the message over."""

    vendor: str
    id: str
    """The vendor's own id of the message."""


class Rejected(Invalid):
    """No vendor will ever accept this message as it is."""


class VendorUnavailable(Unavailable):
    """The vendor cannot take messages now, and certainly did not take this one."""


class OutcomeUnknown(CoreError):
    """The request left and no answer came: it may have been sent, so it is never sent again blindly."""


M = TypeVar("M", contravariant=True)


class Sender(Protocol[M]):
    """Somebody who delivers messages of one kind."""

    @abstractmethod
    async def send(self, message: M) -> Accepted:
        """Hand the message over; raise `Rejected`, `VendorUnavailable` or `OutcomeUnknown`."""


class EmailSender(Sender[Email], Protocol):
    """Somebody who sends e-mails."""


class SmsSender(Sender[Sms], Protocol):
    """Somebody who sends text messages."""


class Unwordable(Invalid):
    """There is no such template in any language, or it needs a fact that was not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """The words of an e-mail."""

    subject: str
    """One line, whatever the facts."""
    text: str
    html: str


class Templates(Protocol):
    """Somebody who finds the words, in English where a language is missing."""

    @abstractmethod
    def email(self, template: str, language: str, facts: Mapping[str, Any]) -> Letter:
        """Word an e-mail, or raise `Unwordable`."""

    @abstractmethod
    def sms(self, template: str, language: str, facts: Mapping[str, Any]) -> str:
        """Word a text message, or raise `Unwordable`."""

"""Show a dead letter with its message."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.messaging.dead_letters import DeadLetter, DeadLetterList, UnknownDeadLetter
from core.messaging.message import Message

Format = Literal["json", "text", "base64"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterWithMessage(DeadLetter):
    """A dead letter with its message."""

    subject: UUID
    version: int
    arrived_at: datetime
    """Deadlines are judged by this moment, also in a replay."""
    request_id: str
    traceparent: str
    origin: Mapping[str, str]
    """Topic, partition, offset, headers."""
    format: Format
    """The encoding of `body`: JSON, plain text, or base64."""
    body: str


@requires(Permission.DEAD_LETTERS_READ)
@dataclass(frozen=True, slots=True)
class ShowDeadLetter:
    """Show one dead letter with its message."""

    dead_letters: DeadLetterList

    async def __call__(self, letter: UUID) -> DeadLetterWithMessage:
        """Raise `UnknownDeadLetter` if there is none."""
        found = await self.dead_letters.find(letter)
        if found is None:
            raise UnknownDeadLetter.with_id(letter)
        return with_message(*found)


def with_message(letter: DeadLetter, message: Message) -> DeadLetterWithMessage:
    """Return the dead letter with the attributes and the readable body of its message."""
    form, body = decode_body(message.body)
    return DeadLetterWithMessage(
        **{field.name: getattr(letter, field.name) for field in fields(letter)},
        subject=message.subject,
        version=message.version,
        arrived_at=message.at,
        request_id=message.trace.request_id,
        traceparent=message.trace.traceparent,
        origin=message.origin,
        format=form,
        body=body,
    )


def decode_body(body: bytes) -> tuple[Format, str]:
    """Return a body as text, with the encoding of the text."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return "base64", b64encode(body).decode()
    try:
        json.loads(text, parse_constant=reject_json_constant)
    except (ValueError, RecursionError):
        return "text", text
    return "json", text


def reject_json_constant(constant: str) -> None:
    """Reject `NaN` and `Infinity`, which Python accepts although JSON has no such values."""
    raise ValueError(constant)

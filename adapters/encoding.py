"""How what the core says is written down: JSON, by msgspec."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from core.fees.errors import InvalidSchedule
from core.fees.ports import ScheduleFormat
from core.fees.pricing.rule import Rule
from core.fees.pricing.rule_kinds import RULE_KINDS
from core.fees.schedule import FeeSchedule
from core.kernel.errors import CoreError
from core.kernel.events import Event
from core.kernel.trace import current_trace
from core.messaging.message import Message


class MsgspecScheduleFormat(ScheduleFormat):
    """Reads what TOML or JSON made of a schedule, and refuses every key it does not know."""

    def read(self, document: Mapping[str, object]) -> FeeSchedule:
        try:
            schedule = msgspec.convert(document, FeeSchedule, dec_hook=_decode)
        except msgspec.ValidationError as error:
            raise _located(error) from error
        _refuse_unknown(document, self.write(schedule), "$")
        return schedule

    def write(self, schedule: FeeSchedule) -> dict[str, object]:
        """Return the document of a schedule: `read(write(schedule)) == schedule`, but for its version."""
        document: dict[str, object] = msgspec.to_builtins(schedule, order="deterministic")
        del document["version"]
        return document


def _decode(wanted: type, document: Any) -> object:
    """Make the rule a document names, which msgspec cannot choose among dataclasses itself."""
    if wanted is not Rule:
        raise NotImplementedError(wanted)
    if not isinstance(document, Mapping):
        raise InvalidSchedule("a rule is an object", at="$")
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in RULE_KINDS:
        raise InvalidSchedule(f"the kind of a rule is one of {', '.join(RULE_KINDS)}", at="$.kind")
    try:
        return msgspec.convert(document, RULE_KINDS[kind])
    except msgspec.ValidationError as error:
        raise _located(error) from error


def _located(error: msgspec.ValidationError) -> InvalidSchedule:
    """Join the path msgspec knows to the path the core knows below it."""
    detail, _, outer = str(error).partition(" - at `")
    inner = error.__cause__.at if isinstance(error.__cause__, CoreError) else None
    return InvalidSchedule(detail, at=(outer.rstrip("`") or "$") + (inner or "$")[1:])


def _refuse_unknown(given: object, known: object, at: str) -> None:
    """Compare a document with what became of it: what is not there again was not understood."""
    if isinstance(given, Mapping) and isinstance(known, Mapping):
        for key, value in given.items():
            if key not in known:
                raise InvalidSchedule(f"unknown key; known are {', '.join(known)}", at=f"{at}.{key}")
            _refuse_unknown(value, known[key], f"{at}.{key}")
    elif isinstance(given, list | tuple) and isinstance(known, list | tuple):
        for index, (one, other) in enumerate(zip(given, known, strict=False)):
            _refuse_unknown(one, other, f"{at}[{index}]")


def message_from_event(event: Event, message_id: UUID) -> Message:
    """Write an event down for its journey, with the trace of what caused it."""
    return Message(
        id=message_id,
        type=event.MESSAGE_TYPE,
        context=event.context,
        subject=event.subject,
        version=event.version,
        at=event.at,
        body=msgspec.json.encode(event),
        trace=current_trace.get(),
    )

"""Encodes events and audit records as JSON, and decodes and encodes fee schedules, with msgspec."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from core.fees.errors import InvalidSchedule
from core.fees.ports import ScheduleFormat
from core.fees.pricing.rule import Rule
from core.fees.pricing.rule_kinds import RULE_KINDS
from core.fees.schedule import FeeSchedule
from core.kernel.audit import (
    MAX_ACTOR_LENGTH,
    MAX_ADDRESS_LENGTH,
    MAX_REASON_LENGTH,
    MAX_TARGET_LENGTH,
    AuditRecord,
    Deed,
    one_line,
)
from core.kernel.authorization import current_principal
from core.kernel.errors import CoreError
from core.kernel.events import Event
from core.kernel.trace import current_trace
from core.messaging.message import Message


class MsgspecScheduleFormat(ScheduleFormat):
    """Converts between schedules and documents of TOML or JSON; refuses unknown keys."""

    def read(self, document: Mapping[str, object]) -> FeeSchedule:
        document = _with_current_words(document)
        try:
            schedule = msgspec.convert(document, FeeSchedule, dec_hook=_decode)
        except msgspec.ValidationError as error:
            raise _located(error) from error
        _refuse_unknown(document, {"fines": (), **self.write(schedule)}, "$")
        return schedule

    def write(self, schedule: FeeSchedule) -> dict[str, object]:
        """Return the document of a schedule: `read(write(schedule)) == schedule` except for its version."""
        document: dict[str, object] = msgspec.to_builtins(schedule, order="deterministic")
        del document["version"]
        if not schedule.fines:
            del document["fines"]  # processes of the release before refuse a key that they do not know
        return document


def _with_current_words(document: Mapping[str, object]) -> Mapping[str, object]:
    """Return the document with the former word `who` of a rule replaced by `audience`; published documents keep it."""
    rules = document.get("rules")
    if not isinstance(rules, list | tuple):
        return document
    renamed = [_with_audience(rule, f"$.rules[{index}]") for index, rule in enumerate(rules)]
    return {**document, "rules": renamed}


def _with_audience(rule: object, at: str) -> object:
    if not isinstance(rule, Mapping) or "who" not in rule:
        return rule
    if "audience" in rule:
        raise InvalidSchedule("`who` is the former word for `audience`; write `audience` only", at=f"{at}.who")
    return {("audience" if key == "who" else key): value for key, value in rule.items()}


def _decode(wanted: type, document: Any) -> object:
    """Build the rule of the named kind; msgspec cannot choose among dataclasses."""
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
    """Return the error with the path of msgspec joined to the inner path of a core error."""
    detail, _, outer = str(error).partition(" - at `")
    inner = error.__cause__.at if isinstance(error.__cause__, CoreError) else None
    return InvalidSchedule(detail, at=(outer.rstrip("`") or "$") + (inner or "$")[1:])


def _refuse_unknown(given: object, known: object, at: str) -> None:
    """Raise `InvalidSchedule` for a key of the document that the written schedule lacks."""
    if isinstance(given, Mapping) and isinstance(known, Mapping):
        for key, value in given.items():
            if key not in known:
                raise InvalidSchedule(f"unknown key; known are {', '.join(known)}", at=f"{at}.{key}")
            _refuse_unknown(value, known[key], f"{at}.{key}")
    elif isinstance(given, list | tuple) and isinstance(known, list | tuple):
        for index, (one, other) in enumerate(zip(given, known, strict=False)):
            _refuse_unknown(one, other, f"{at}[{index}]")


def message_from_event(event: Event, message_id: UUID, kept: object = None) -> Message:
    """Return the message of an event, with the current trace and what the log alone keeps."""
    return Message(
        id=message_id,
        type=event.MESSAGE_TYPE,
        context=event.context,
        subject=event.subject,
        version=event.version,
        at=event.at,
        body=msgspec.json.encode(event),
        kept=b"" if kept is None else msgspec.json.encode(kept),
        trace=current_trace.get(),
    )


def audit_record_of(deed: Deed, record_id: UUID, at: datetime) -> AuditRecord:
    """Return the audit record of a deed of the current principal, with the current trace."""
    principal = current_principal.get()
    return AuditRecord(
        id=record_id,
        at=at,
        actor=one_line(principal.subject, MAX_ACTOR_LENGTH),
        account=principal.account,
        session=principal.session,
        address=one_line(principal.address, MAX_ADDRESS_LENGTH),
        request_id=current_trace.get().request_id,
        action=deed.action,
        target=one_line(deed.target, MAX_TARGET_LENGTH),
        before=_canonical_json(deed.before),
        after=_canonical_json(deed.after),
        reason=one_line(deed.reason, MAX_REASON_LENGTH),
        outcome=deed.outcome,
    )


def _canonical_json(value: object) -> str:
    return "" if value is None else msgspec.json.encode(value, order="sorted").decode()

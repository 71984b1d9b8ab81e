"""Reads CloudEvents 1.0 of both modes: attributes in headers (binary), or attributes and data in one JSON document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from entrypoints.strict_decoding import refuse_repeated_fields

MAX_BODY_BYTES = 4 * 1024 * 1024
"""A dead letter can store four times as much."""
STRUCTURED_MODE = "application/cloudevents+json"
HOW_TO_SEND = (
    "send a CloudEvent 1.0: in binary mode with the headers `ce_id`, `ce_source` and `ce_type`, or in structured mode"
    f" with the header `content-type: {STRUCTURED_MODE}`, one event a record"
)
RawHeaders = Sequence[tuple[str, bytes | None]]


class Malformed(ValueError):
    """A record is no CloudEvent; the text says why."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """The attributes of an event without the prefix `ce_`, and its data."""

    attributes: Mapping[str, str]
    body: bytes
    malformed: str = ""
    """Why the event cannot be processed; empty if it can."""


def read_cloud_event(headers: RawHeaders, value: bytes | None) -> CloudEvent:
    """Read the event of a record; whatever the record contains, the event says what is wrong with it."""
    texts = {name.lower(): (text or b"").decode(errors="replace") for name, text in headers}
    attributes = {name[3:]: text for name, text in texts.items() if name.startswith("ce_")}
    traceparent = texts.get("traceparent") or attributes.get("traceparent", "")
    event = CloudEvent(attributes | {"traceparent": traceparent}, value or b"")
    try:
        check_headers(headers)
        if is_structured(texts.get("content-type", "")):
            event = read_structured(value or b"", traceparent)
        check(event, is_tombstone=value is None)
    except Malformed as error:
        return replace(event, body=event.body[:MAX_BODY_BYTES], malformed=str(error))
    return event


def check_headers(headers: RawHeaders) -> None:
    """Raise `Malformed` for a header of CloudEvents that is not UTF-8, or has two values."""
    seen = dict[str, bytes]()
    for name, value in ((each.lower(), text or b"") for each, text in headers):
        if name != "content-type" and not name.startswith("ce_"):
            continue
        if seen.setdefault(name, value) != value:
            raise Malformed(f"the header `{name[:40]}` has two values")
        try:
            value.decode()
        except UnicodeDecodeError as error:
            raise Malformed(f"the header `{name[:40]}` is not UTF-8") from error


def is_structured(content_type: str) -> bool:
    """Tell whether a record has structured mode; raise `Malformed` for a form of it that Kafka's binding lacks."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type.startswith("application/cloudevents") and media_type != STRUCTURED_MODE:
        raise Malformed(f"`{media_type[:80]}` is not read here: {HOW_TO_SEND}")
    return media_type == STRUCTURED_MODE


def read_structured(document: bytes, traceparent: str) -> CloudEvent:
    """Read an event in structured mode; the data stay as they were written."""
    try:
        found = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
        members = {name: raw for name, raw in found.items() if bytes(raw) != b"null"}  # null is as good as absent
        data, encoded = members.pop("data", None), members.pop("data_base64", None)
        if data is not None and encoded is not None:
            raise Malformed("the event has both `data` and `data_base64`")
        body = bytes(data or b"") if encoded is None else msgspec.json.decode(encoded, type=bytes)
        texts = {name: str(msgspec.json.decode(raw, type=str | int | bool)) for name, raw in members.items()}
        refuse_repeated_fields(document, found)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Malformed(f"the record is no CloudEvent in structured mode: {error}") from error
    return CloudEvent({"traceparent": traceparent} | texts, body)


def check(event: CloudEvent, *, is_tombstone: bool) -> None:
    """Raise `Malformed` for an event that cannot be processed."""
    attributes = event.attributes
    if not attributes.get("type"):
        raise Malformed(f"the record names no message type: {HOW_TO_SEND}")
    if attributes.get("specversion", "1.0") != "1.0":
        raise Malformed(f"`specversion` is {attributes['specversion'][:40]!r}, and this program reads 1.0")
    if attributes.get("id") and not attributes.get("source"):
        raise Malformed(
            "the attribute `source` (`ce_source`) is missing, and an id is unique only within its source:"
            " name the program that sends the message"
        )
    if is_tombstone:
        raise Malformed("the record has no value (a tombstone); messages are not deleted from these topics")
    if len(event.body) > MAX_BODY_BYTES:
        raise Malformed(f"the body has {len(event.body)} bytes, and at most {MAX_BODY_BYTES} are read")

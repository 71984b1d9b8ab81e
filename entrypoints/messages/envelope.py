"""Makes a message of what a broker delivers: the same rules for each of them."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from core.kernel.trace import Trace
from core.messaging.message import CLOUDEVENTS_SOURCE, Message, is_own_context
from entrypoints.messages.cloud_events import CloudEvent, RawHeaders, read_cloud_event

RETAINED_HEADERS = {"traceparent", "content-type"}
"""Headers besides those of CloudEvents that a dead letter keeps; others may hold secrets."""


def read_message(
    context: str, headers: RawHeaders, body: bytes | None, place: Mapping[str, str], key: str, at: datetime
) -> Message:
    """Decode a CloudEvent; a message that says it is malformed becomes a dead letter.

    `place` is where the broker had it, `key` identifies it when it has no id that can be used.
    """
    event = read_cloud_event(headers, body)
    attributes = event.attributes
    texts = {name: (value or b"").decode(errors="replace") for name, value in headers}
    kept = {name: text for name, text in texts.items() if name in RETAINED_HEADERS or name.startswith("ce_")}
    return Message(
        id=message_id(event, key, context),
        type=attributes.get("type", ""),
        context=context,
        subject=as_uuid(attributes.get("subject", "")),
        version=as_number(attributes.get("sequence", "")),
        data_version=as_number(attributes.get("dataversion", "1")),
        at=at,
        body=event.body,
        # the event that answers a command carries the id of the command
        trace=Trace.continue_or_start(
            attributes.get("requestid") or attributes.get("id"), attributes.get("traceparent")
        ),
        origin={**place, "headers": str(kept)[:4_000]},
        malformed=event.malformed,
    )


def message_id(event: CloudEvent, key: str, context: str) -> UUID:
    """Return the id of a message: Bursar's own events carry a UUID.

    Another sender's id is hashed with its source; a message without an id, or that is malformed, is identified by its
    key, so that it takes no other message's id.
    """
    source, name = event.attributes.get("source", ""), event.attributes.get("id", "")
    if event.malformed or not name:
        return uuid5(NAMESPACE_URL, key)
    with suppress(ValueError):
        if source == CLOUDEVENTS_SOURCE and is_own_context(context):
            return UUID(name)
    return uuid5(uuid5(NAMESPACE_URL, source), name)


def as_uuid(text: str) -> UUID:
    """Parse a UUID; return the nil UUID for another text."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def as_number(text: str) -> int:
    """Parse a number; return 0 for another text."""
    return int(text) if text.isdecimal() and len(text) < 19 else 0

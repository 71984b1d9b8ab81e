"""The attributes of a CloudEvent, version 1.0, as every broker gets them."""

from core.messaging.message import CLOUDEVENTS_SOURCE, Message


def attributes_of(message: Message) -> dict[str, str]:
    """Return the attributes without the prefix of a broker's binding, and without the trace context."""
    return {
        "specversion": "1.0",
        "id": str(message.id),
        "type": message.type,
        "source": CLOUDEVENTS_SOURCE,
        "time": message.at.isoformat().replace("+00:00", "Z"),
        "subject": str(message.subject),
        "dataversion": str(message.data_version),
        "sequence": str(message.version),
        "requestid": message.trace.request_id,
    }

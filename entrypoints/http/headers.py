"""The headers of answers in the API document."""

from collections.abc import Mapping
from typing import Any

from core.kernel.trace import REQUEST_ID_PATTERN, TRACEPARENT_PATTERN
from entrypoints.http.submission_intents import INTENT_HEADER, TOKEN


def text(description: str, pattern: str) -> dict[str, Any]:
    """Return a header that is a text."""
    return {"description": description, "schema": {"type": "string", "pattern": f"^(?:{pattern})$"}}


OF_EVERY_ANSWER = {
    "X-Request-ID": text("The id of the request in logs and events", REQUEST_ID_PATTERN.pattern),
    "traceparent": text("The trace of the request (W3C Trace Context)", TRACEPARENT_PATTERN.pattern),
}
RETRY_AFTER = {
    "description": "Seconds after which the same request may succeed",
    "schema": {"type": "integer", "minimum": 1},
}
QUOTA = {
    "RateLimit-Policy": text(
        "The limit that is closest to its end: requests in a window of seconds", r'"[a-z-]+";q=\d+;w=\d+'
    ),
    "RateLimit": text("What remains of it, and the seconds until more does", r'"[a-z-]+";r=\d+;t=\d+'),
}
"""draft-ietf-httpapi-ratelimit-headers-10; the program itself, and monitoring, have no limit."""
REPLAYED = {
    "description": "Present when an earlier request with the same key took effect: this is its answer",
    "schema": {"type": "string", "const": "true"},
}
INTENT = text("The first arrival of the request, for sending it again", TOKEN.pattern or "")


def of_answer(
    status: int, operation: Mapping[str, Any], declared: Mapping[str, Any], *, limited: bool
) -> dict[str, Any]:
    """Return the headers of an answer; those that the handler declares are texts."""
    named = {each["name"] for each in operation.get("parameters", ())}
    found: dict[str, Any] = {name: {"schema": {"type": "string"}} | dict(each) for name, each in declared.items()}
    for each in found.values():
        each.pop("required", None)
    if status == 503 or (status == 409 and "Idempotency-Key" in named):
        found["Retry-After"] = RETRY_AFTER
    if status == 503 and INTENT_HEADER in named:
        found[INTENT_HEADER] = INTENT
    if status == 201 and "Idempotency-Key" in named:
        found["Idempotency-Replayed"] = REPLAYED
    return OF_EVERY_ANSWER | (QUOTA if limited else {}) | found

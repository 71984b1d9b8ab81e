"""JSON log lines in the names of the Elastic Common Schema; our own fields are under `bursar`."""

import os
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import msgspec

from adapters.telemetry.errors import description_of, traceback_of
from core.kernel.text import without_addresses
from core.kernel.trace import current_trace

ECS_VERSION = "9.4.0"
FIELDS = {
    "@timestamp": "date",
    "log.level": "keyword",
    "message": "match_only_text",
    "ecs.version": "keyword",
    "event.dataset": "keyword",
    "event.action": "keyword",
    "event.duration": "long",
    "service.name": "keyword",
    "service.version": "keyword",
    "service.node.name": "keyword",
    "process.pid": "long",
    "log.logger": "keyword",
    "trace.id": "keyword",
    "span.id": "keyword",
    "http.request.id": "keyword",
    "http.request.method": "keyword",
    "http.response.status_code": "long",
    "error.type": "keyword",
    "error.message": "match_only_text",
    "error.stack_trace": "wildcard",
    "bursar.action": "keyword",
    "bursar.answer": "match_only_text",
    "bursar.broker": "keyword",
    "bursar.channel": "keyword",
    "bursar.code": "long",
    "bursar.endpoint": "keyword",
    "bursar.group": "keyword",
    "bursar.id": "keyword",
    "bursar.job": "keyword",
    "bursar.offset": "keyword",
    "bursar.partition": "keyword",
    "bursar.problem": "keyword",
    "bursar.reason": "keyword",
    "bursar.restart_in_seconds": "float",
    "bursar.route": "keyword",
    "bursar.seconds": "float",
    "bursar.serves": "keyword",
    "bursar.topic": "keyword",
    "bursar.topics": "keyword",
    "bursar.type": "keyword",
    "bursar.use_case": "keyword",
    "bursar.vendor": "keyword",
}
"""Every field of a line, and its type in Elasticsearch."""
COUNTS = "bursar.counts."
"""The prefix of counts, whose names come from jobs and refusals: `long`."""
STANDARD_NAMES = {
    "request_id": "http.request.id",
    "method": "http.request.method",
    "status": "http.response.status_code",
    "path": "bursar.route",
}
"""The words of log calls that have a field elsewhere than under `bursar`, or share one."""
FIELD_BY_WORD = {name.removeprefix("bursar."): name for name in FIELDS if name.startswith("bursar.")} | STANDARD_NAMES
"""The field of each word of log calls; an integer under another word is a count."""
CONVERSIONS: Mapping[str, Callable[[Any], object]] = {
    "keyword": lambda value: [str(each) for each in value] if isinstance(value, list | tuple) else str(value),
    "match_only_text": str,
    "wildcard": str,
    "long": int,
    "float": float,
}
NANOSECONDS_PER_MILLISECOND = 1_000_000
Line = dict[str, object]


class EcsLines:
    """Encodes log lines of one process."""

    def __init__(self, process: str) -> None:
        self._constant = {
            "ecs.version": ECS_VERSION,
            "event.dataset": "bursar.log",
            "service.name": "bursar",
            "service.version": version("bursar"),
            "service.node.name": process,
            "process.pid": os.getpid(),
        }

    def __call__(self, _: object, level: str, record: MutableMapping[str, Any]) -> bytes:
        """Encode a line of the program: its name is the action, its facts are fields."""
        action = str(record.pop("event"))
        line = self._begin("error" if level == "exception" else level, action.replace("_", " "))
        line["event.action"] = action
        for word, value in record.items():
            if value is not None:
                add_fields(line, word, value)
        return msgspec.json.encode(line)

    def of_library(self, level: str, logger: str, message: str, error: BaseException | None) -> bytes:
        """Encode a line of a library, whose message is a sentence."""
        line = self._begin(level, without_addresses(message))
        line["log.logger"] = logger
        return msgspec.json.encode(line | (error_fields(error, with_trace=True) if error else {}))

    def _begin(self, level: str, message: str) -> Line:
        line: Line = {"@timestamp": datetime.now(UTC), "log.level": level, "message": message, **self._constant}
        if (trace := current_trace.get()).request_id:
            line["trace.id"], line["span.id"] = trace.id, trace.span_id
            line["http.request.id"] = without_addresses(trace.request_id)
        return line


def add_fields(line: Line, word: str, value: Any) -> None:
    """Add the fields of one fact of a log call."""
    if isinstance(value, BaseException):
        line |= error_fields(value, with_trace=word == "exc_info")
    elif word == "error":
        line["error.message"] = without_addresses(str(value))
    elif word == "ms":
        line["event.duration"] = int(value * NANOSECONDS_PER_MILLISECOND)
    elif name := FIELD_BY_WORD.get(word):
        line[name] = masked(CONVERSIONS[FIELDS[name]](value))
    elif isinstance(value, int):
        line[f"{COUNTS}{word}"] = value


def error_fields(error: BaseException, *, with_trace: bool) -> Line:
    """Return what may be told of an error: its words only where these cannot quote an input."""
    told: Line = {"error.type": type(error).__qualname__, "error.message": description_of(error)}
    return told | ({"error.stack_trace": traceback_of(error)} if with_trace else {})


def masked(value: object) -> object:
    """Leave out addresses of people."""
    if isinstance(value, str):
        return without_addresses(value)
    return [masked(each) for each in value] if isinstance(value, list) else value

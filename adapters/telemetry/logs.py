"""Configures the log: one line for each event, for people or as JSON."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import msgspec
import structlog

from core.kernel.text import escape_unprintable
from core.kernel.trace import current_trace


def configure_logging(log_format: str, level: str) -> None:
    """Log to standard error as `console` or `json`, from `level` on."""
    number = logging.getLevelNamesMapping()[level.upper()]
    processors: list[Any] = [add_trace_ids, structlog.processors.add_log_level, structlog.processors.format_exc_info]
    if log_format == "json":
        stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
        render: Any = structlog.processors.JSONRenderer(serializer=lambda record, **_: msgspec.json.encode(record))
        factory: Any = structlog.BytesLoggerFactory(sys.stderr.buffer)
    else:
        stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
        render = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
        factory = structlog.PrintLoggerFactory(sys.stderr)
        processors.append(escape_control_characters)
    structlog.configure(
        processors=[*processors, stamp, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=factory,
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(number, logging.WARNING), force=True)
    for noisy in ("aiokafka", "asyncmy", "uvicorn", "backoff"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)  # the adapters log these failures, once


def escape_control_characters(_: object, __: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape control characters: values from outside must not control the terminal."""
    for name, value in record.items():
        if isinstance(value, str) and name != "exception":
            record[name] = escape_unprintable(value)
    return record


def add_trace_ids(_: object, __: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the ids of the request that a line belongs to."""
    trace = current_trace.get()
    if trace.request_id:
        record["request_id"], record["traceparent"] = trace.request_id, trace.traceparent
    return record

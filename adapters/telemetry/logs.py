"""Configures the log: one line for each event, for people or as JSON."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from adapters.telemetry.ecs import EcsLines
from adapters.telemetry.errors import description_of, traceback_of
from core.kernel.text import escape_unprintable, without_addresses
from core.kernel.trace import current_trace


def configure_logging(log_format: str, level: str, process: str) -> None:
    """Log to standard error as `console` or `json`, from `level` on; `process` names this process."""
    number = logging.getLevelNamesMapping()[level.upper()]
    handler = logging.StreamHandler()
    if log_format == "json":
        ecs = EcsLines(process)
        processors: list[Any] = [ecs]
        factory: Any = structlog.BytesLoggerFactory(sys.stderr.buffer)
        handler.setFormatter(EcsLibraryLines(ecs))
    else:
        stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
        render = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
        factory = structlog.PrintLoggerFactory(sys.stderr)
        add_level = structlog.processors.add_log_level
        processors = [add_trace_ids, add_level, describe_values, escape_control_characters, stamp, render]
        handler.setFormatter(LibraryLines())
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=factory,
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(number, logging.WARNING), force=True, handlers=[handler])
    logging.captureWarnings(True)
    for noisy in ("aiokafka", "aiormq", "asyncmy", "uvicorn", "backoff", "opentelemetry"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)  # the adapters log these failures, once


def describe_values(_: object, __: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Describe errors without what they may quote of an input, and leave out addresses of people."""
    if isinstance(error := record.pop("exc_info", None), BaseException):
        record["exception"] = traceback_of(error)
    for name, value in record.items():
        if isinstance(value, BaseException):
            record[name] = description_of(value)
        elif isinstance(value, str) and name != "exception":
            record[name] = without_addresses(value)
    return record


class LibraryLines(logging.Formatter):
    """The lines of libraries; asyncio adds the words of errors to its first line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the first line of a message, and a traceback without the words of errors."""
        line = f"{record.levelname}:{record.name}:{without_addresses(record.getMessage().partition(chr(10))[0])}"
        error = record.exc_info[1] if record.exc_info else None
        return f"{line}\n{traceback_of(error)}" if error else line


class EcsLibraryLines(logging.Formatter):
    """The lines of libraries as JSON."""

    def __init__(self, ecs: EcsLines) -> None:
        super().__init__()
        self._ecs = ecs

    def format(self, record: logging.LogRecord) -> str:
        """Return the first line of a message with the error, as `LibraryLines` does."""
        error, message = record.exc_info[1] if record.exc_info else None, record.getMessage().partition("\n")[0]
        return self._ecs.of_library(record.levelname.lower(), record.name, message, error).decode()


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

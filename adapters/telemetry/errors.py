"""Errors in the log: their kinds and places; their words only where these cannot quote an input."""

from collections.abc import Iterator
from traceback import format_tb

from core.kernel.errors import Unavailable
from core.kernel.text import without_addresses

OF_CONNECTIONS = (Unavailable, OSError)
OF_THE_PROGRAM = (AttributeError, TypeError, NameError, ImportError, RecursionError)
"""The interpreter makes their words of names in the source; those of `KeyError` or `ValueError` are values."""
CLIENTS = ("aiokafka", "aiormq", "redis")
"""Libraries whose errors tell about a server."""
MAX_CHAINED = 10


def description_of(error: BaseException) -> str:
    """Return the kind of an error, with its words or its number if they quote no input."""
    kind = type(error).__qualname__
    if isinstance(error, OF_CONNECTIONS + OF_THE_PROGRAM) or type(error).__module__.partition(".")[0] in CLIENTS:
        return f"{kind}: {without_addresses(str(error))}"
    number = error.args[0] if error.args else None
    return f"{kind}: {number}" if type(number) is int else kind


def traceback_of(error: BaseException) -> str:
    """Return the traceback of an error and of those that caused it, the first one first."""
    return "\n\nthen:\n\n".join(frames_of(each) for each in [*causes(error)][::-1])


def frames_of(error: BaseException) -> str:
    """Return where an error came from and what it is; of a group, also its members."""
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    described = f"{''.join(format_tb(error.__traceback__))}{description_of(error)}"
    return "\n\nof which one is:\n\n".join([described, *(traceback_of(each) for each in members[:MAX_CHAINED])])


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and what it was raised from or during."""
    cause: BaseException | None = error
    for _ in range(MAX_CHAINED):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)

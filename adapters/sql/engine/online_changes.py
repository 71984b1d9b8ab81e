"""Changes a table of MySQL while others read and write it, or not at all.

MySQL is told to change only the description of the table, or else to build the change beside its writers; it refuses
what it can do in neither way. A change needs the table for a moment without open transactions, and each statement that
comes after a waiting change waits as well: so a change waits for a second, lets the others pass, and tries again.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

INSTANT, IN_PLACE = "ALGORITHM=INSTANT", "ALGORITHM=INPLACE, LOCK=NONE"
CHANGES_TABLE = re.compile(r"\s*(ALTER TABLE|(?:CREATE|DROP)\s(?:\w+\s)?INDEX)\b", re.IGNORECASE)
SAYS_HOW = re.compile(r"\b(ALGORITHM|LOCK)\s*=", re.IGNORECASE)
NOT_SUPPORTED = {1845, 1846, 4092}
"""The algorithm cannot make this change; the last: the description has changed too often since the table was built."""
LOCK_WAIT_TIMEOUT = 1205
LIMIT_WAIT = "SET SESSION lock_wait_timeout = 1"
PAUSES_SECONDS = (1, 2, 4, 8, *(15,) * 38)
"""Between attempts, for ten minutes."""
Execute = Callable[[str], Any]


def execute_online(execute: Execute, statement: str) -> None:
    """Execute a statement of a migration; raise the driver's error if it would stop writers, or waits ten minutes."""
    remaining = iter(PAUSES_SECONDS)
    while (refused := attempt(execute, statement)) is not None:
        pause = next(remaining, None)
        if refused.args[0] != LOCK_WAIT_TIMEOUT or pause is None:
            raise refused
        execute(f"DO SLEEP({pause})")


def attempt(execute: Execute, statement: str) -> Exception | None:
    """Execute a statement in the cheapest way that is possible; return the error of a refusal."""
    refused: Exception | None = None
    for each in ways(statement):
        try:
            execute(each)
        except Exception as error:
            refused = error
            if error.args[0] not in NOT_SUPPORTED:
                break
        else:
            return None
    return refused


def ways(statement: str) -> Sequence[str]:
    """Return the statement with what MySQL may do, the cheapest first; unchanged if it says so, or changes no table."""
    found = CHANGES_TABLE.match(statement)
    if not found or SAYS_HOW.search(statement):
        return [statement]
    if found[1].upper() == "ALTER TABLE":
        return [f"{statement}, {INSTANT}", f"{statement}, {IN_PLACE}"]
    return [f"{statement} {IN_PLACE.replace(',', '')}"]

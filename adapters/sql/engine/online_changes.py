"""Lets MySQL change a table only while others read and write it, and never makes them wait long for a change that waits.

MySQL is told how: it changes the description of the table alone, or builds the change beside writers, or refuses. A
change needs the table for a moment without open transactions, and each statement behind a waiting change waits too: so
it waits a second, lets the others pass, and tries again.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

INSTANT, IN_PLACE = "ALGORITHM=INSTANT", "ALGORITHM=INPLACE, LOCK=NONE"
CHANGES_TABLE = re.compile(r"\s*(ALTER TABLE|(?:CREATE|DROP)\s(?:\w+\s)?INDEX)\b", re.IGNORECASE)
SAYS_HOW = re.compile(r"\b(ALGORITHM|LOCK)\s*=", re.IGNORECASE)
NOT_SUPPORTED = {1845, 1846, 4092}
"""The algorithm cannot make this change; the last: of a table that many changes have described anew."""
LOCK_WAIT_TIMEOUT = 1205
LIMIT_WAIT = "SET SESSION lock_wait_timeout = 1"
PAUSES_SECONDS = (1, 2, 4, 8, *(15,) * 38)
"""Between two attempts, for ten minutes."""
Execute = Callable[[str], Any]


def execute_online(execute: Execute, statement: str) -> None:
    """Execute a statement of a migration; raise the driver's error when it would block others, or waits ten minutes."""
    for pause in PAUSES_SECONDS:
        try:
            return execute_first_supported(execute, statement)
        except Exception as error:
            if error.args[:1] != (LOCK_WAIT_TIMEOUT,):
                raise
        execute(f"DO SLEEP({pause})")
    return execute_first_supported(execute, statement)


def execute_first_supported(execute: Execute, statement: str) -> None:
    """Execute a statement in the cheapest way that is possible."""
    *cheaper, last = ways(statement)
    for each in cheaper:
        try:
            return execute(each)
        except Exception as error:
            if error.args[0] not in NOT_SUPPORTED:
                raise
    execute(last)


def ways(statement: str) -> Iterator[str]:
    """Return the statement with what MySQL may do; unchanged if it says so itself, or changes no table."""
    found = CHANGES_TABLE.match(statement)
    if not found or SAYS_HOW.search(statement):
        yield statement
    elif found[1].upper().startswith("ALTER"):
        yield f"{statement}, {INSTANT}"
        yield f"{statement}, {IN_PLACE}"
    else:
        yield f"{statement} {IN_PLACE.replace(',', '')}"

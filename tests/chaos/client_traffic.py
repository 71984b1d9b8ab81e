"""Everybody who wants something of the office, all at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

from tests.chaos.findings import Findings
from tests.chaos.stock_clients import StockClients
from tests.chaos.stock_reply_log import StockReplyLog
from tests.chaos.submission_clients import Clients, Sender, SubmissionLog
from tests.chaos.system import Office
from tests.chaos.workers import Workers

CLIENTS, PAUSE = 10, 0.3
"""Clients over HTTP, and the mean of the seconds that one waits between two submissions."""
COMMAND_INTERVAL_SECONDS = 0.5
STOREKEEPERS, STORES_PAUSE = 5, 0.15
DRAIN_TIMEOUT_SECONDS = 60.0
"""Seconds in which the last wishes must have their answers, when nothing goes wrong any more."""
Say = Callable[[str], None]


@asynccontextmanager
async def client_traffic(office: Office, findings: Findings) -> AsyncIterator[SubmissionLog]:
    """Submit fees and work the stores all the time; afterwards wait for the last answers."""
    ledger, book, candidates = SubmissionLog(office.folder), StockReplyLog(office.folder), count()
    clients = Clients(office.doors, ledger, candidates, PAUSE)
    sender = Sender(office.stack.kafka, office.prefix, ledger, candidates)
    keepers = StockClients(office.doors, office.stack.kafka, office.prefix, book)
    work = clients.run(CLIENTS), sender.run(COMMAND_INTERVAL_SECONDS), keepers.run(STOREKEEPERS, STORES_PAUSE)
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield ledger
        for everybody in (clients, sender, keepers):
            everybody.closing.set()
        _, late = await asyncio.wait(tasks, timeout=DRAIN_TIMEOUT_SECONDS)
        if late:
            wishes = ledger.waiting + book.waiting
            findings.add(
                "unfinished", f"{wishes} wishes had no answer {DRAIN_TIMEOUT_SECONDS:g} s after the last trouble"
            )
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        ledger.close()
        book.close()
    for error in ended:
        if isinstance(error, Exception):
            raise error


@asynccontextmanager
async def progress_reports(say: Say, ledger: SubmissionLog, workers: Workers) -> AsyncIterator[None]:
    """Say every few seconds how far we are."""

    async def tell() -> None:
        began = time.monotonic()
        while True:
            await asyncio.sleep(5)
            passed = time.monotonic() - began
            say(f"{passed:.0f} s: {ledger.acknowledged} acknowledged, {ledger.waiting} waiting, {workers.kills} kills")

    task = asyncio.create_task(tell())
    try:
        yield
    finally:
        task.cancel()

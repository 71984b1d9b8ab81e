"""All clients of the system under test, running concurrently."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

from tests.chaos.findings import Findings
from tests.chaos.payers import Payers
from tests.chaos.stock_clients import StockClients
from tests.chaos.stock_reply_log import StockReplyLog
from tests.chaos.submission_clients import Clients, Sender, SubmissionLog
from tests.chaos.system import SystemUnderTest
from tests.chaos.workers import Workers

CLIENTS, PAUSE = 10, 0.3
"""The number of clients over HTTP, and the mean pause in seconds between two submissions of one."""
COMMAND_INTERVAL_SECONDS = 0.5
STOREKEEPERS, STORES_PAUSE = 5, 0.15
PAYERS = 6
DRAIN_TIMEOUT_SECONDS = 60.0
"""The time limit for the last requests after all faults have ended."""
Say = Callable[[str], None]


@asynccontextmanager
async def client_traffic(system: SystemUnderTest, findings: Findings) -> AsyncIterator[SubmissionLog]:
    """Submit fees and send stock commands until the end; then wait for the last replies."""
    ledger, book, candidates = SubmissionLog(system.folder), StockReplyLog(system.folder), count()
    api_key = system.api_key()
    clients = Clients(system.base_urls, api_key, ledger, candidates, PAUSE)
    sender = Sender(system.stack.broker, system.prefix, ledger, candidates)
    keepers = StockClients(system.base_urls, api_key, system.stack.broker, system.prefix, book)
    payers = Payers(system.base_urls, api_key, system.folder, clients.references)
    work = clients.run(CLIENTS), sender.run(COMMAND_INTERVAL_SECONDS), keepers.run(STOREKEEPERS, STORES_PAUSE)
    tasks = [asyncio.create_task(each) for each in (*work, payers.run(PAYERS))]
    try:
        yield ledger
        for client in (clients, sender, keepers, payers):
            client.closing.set()
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
    """Report the progress every few seconds."""

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

"""An office whose release changes, the clients that use it meanwhile, and what is left of it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import asyncmy
import msgspec

from config.sections.servers import Kafka, MySQL
from tests.chaos.brokers import KafkaBroker
from tests.chaos.facts import Facts, gather, waiting
from tests.chaos.sql import select
from tests.chaos.stock_clients import StockClients
from tests.chaos.stock_reply_log import StockReplyLog
from tests.chaos.submission_clients import Clients, Sender, SubmissionLog
from tests.chaos.vendors import VENDOR_RECORD_FILE, VendorRecord
from tests.conftest import eventually
from tests.e2e.workspace import Running, Workspace

UNKNOWN_BEFORE = ("BURSAR__IDENTITY__", "BURSAR__ENCRYPTION__")
"""Sections of the configuration that the release before refuses."""
SENT_FILE = "sent.jsonl"
CONTEXTS = ("fees", "fees.dead-letters", "inventory", "inventory.dead-letters")
CANDIDATES, CLIENTS, STOREKEEPERS, PAUSE_SECONDS = 3_000, 3, 1, 0.15
ENOUGH = 25
"""Submissions in each phase."""


@dataclass(frozen=True, slots=True)
class Servers:
    """The addresses of both servers."""

    mysql: MySQL
    kafka: str

    @property
    def broker(self) -> KafkaBroker:
        """Return the broker."""
        return KafkaBroker(self.kafka)

    async def connect(self, database: str) -> Any:
        """Open a connection to MySQL."""
        account = {"host": self.mysql.host, "port": self.mysql.port, "user": self.mysql.user}
        password = self.mysql.password.reveal()
        return await asyncmy.connect(**account, password=password, database=database, autocommit=True)

    async def figure(self, query: str) -> int:
        """Return the number that a query counts."""
        connection = await self.connect(self.mysql.database)
        try:
            return int((await select(connection, query))[0][0])
        finally:
            await connection.ensure_closed()


@dataclass(frozen=True, slots=True)
class Before:
    """The release before, with the configuration that it knows."""

    code: Path
    folder: Path
    environment: dict[str, str]

    def start(self, *words: str) -> Running:
        """Start one of its commands."""
        log = self.folder / f"before-{'-'.join(words[:2])}.log"
        known = {name: value for name, value in self.environment.items() if not name.startswith(UNKNOWN_BEFORE)}
        others = {name: value for name, value in os.environ.items() if not name.startswith("BURSAR__")}
        env = others | known | {"PYTHONPATH": str(self.code)}
        with log.open("wb") as output:
            command = [sys.executable, "-m", "entrypoints", *words]
            process = subprocess.Popen(command, cwd=self.folder, env=env, stdout=output, stderr=output)
        return Running(process, log, lambda: "")

    async def finish(self, *commands: Sequence[str]) -> None:
        """Run commands at once to their end."""
        for each in [self.start(*words) for words in commands]:
            assert await asyncio.to_thread(each.process.wait, 120) == 0, each.log.read_text()


class Office:
    """One office whose release changes."""

    def __init__(self, servers: Servers, kafka: Kafka, before: Before, this: Workspace) -> None:
        self.servers, self.kafka, self.before, self.this = servers, kafka, before, this
        self.candidates = count()
        self.ledger, self.book = SubmissionLog(this.folder), StockReplyLog(this.folder)

    @asynccontextmanager
    async def load(self, urls: list[str], api_key: str) -> AsyncIterator[None]:
        """Submit, and command stock, until the end of the block, at the addresses that the list has at the time."""
        prefix, broker = self.kafka.topic_prefix, self.servers.broker
        clients = Clients(urls, api_key, self.ledger, self.candidates, PAUSE_SECONDS)
        sender = Sender(broker, prefix, self.ledger, self.candidates)
        keepers = StockClients(urls, api_key, broker, prefix, self.book)
        work = clients.run(CLIENTS), sender.run(PAUSE_SECONDS), keepers.run(STOREKEEPERS, PAUSE_SECONDS)
        async with asyncio.TaskGroup() as tasks:
            for each in work:
                tasks.create_task(each)
            yield
            for client in (clients, sender, keepers):
                client.closing.set()

    async def enough(self) -> None:
        """Return when some more submissions have their answers."""
        before = self.ledger.acknowledged
        await eventually(lambda: self.ledger.acknowledged >= before + ENOUGH, seconds=60)

    async def drained(self) -> None:
        """Return when no work is left."""
        name, prefix, deadline = self.servers.mysql.database, self.kafka.topic_prefix, time.monotonic() + 150
        while left := await waiting(self.servers, name, prefix, self.kafka.group, self.this.folder):
            assert time.monotonic() < deadline, f"still waiting: {left}"
            await asyncio.sleep(0.2)

    async def command(self, *words: str) -> None:
        """Run a command of this release."""
        done = await asyncio.to_thread(self.this.run, *words)
        assert done.returncode == 0, done.stderr

    async def facts(self) -> Facts:
        """Read the state."""
        sent = [msgspec.json.decode(line) for line in (self.this.folder / SENT_FILE).read_bytes().splitlines()]
        records = [msgspec.json.encode(VendorRecord(each["channel"], each["to"], each["id"])) for each in sent]
        (self.this.folder / VENDOR_RECORD_FILE).write_bytes(b"\n".join(records))
        name, prefix = self.servers.mysql.database, self.kafka.topic_prefix
        return await gather(self.servers, name, prefix, self.this.folder, CONTEXTS)


@asynccontextmanager
async def serving(server: Running) -> AsyncIterator[Running]:
    """Wait until a server is ready; at the end, kill it unless it has ended."""
    try:
        await asyncio.to_thread(server.wait_until_ready, 90)
        yield server
    finally:
        if server.process.poll() is None:
            server.process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(server.process.wait)


async def stop(server: Running) -> None:
    """Stop a server as an orchestrator does."""
    server.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(server.process.wait, 60) == 0, server.log.read_text()

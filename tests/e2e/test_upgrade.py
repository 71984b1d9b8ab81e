"""The release before and this one side by side on one database and the same topics, and the way back."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncmy
import httpx
import msgspec
import pytest

from config.sections.servers import Kafka, MySQL
from tests.chaos.facts import Facts, gather, waiting
from tests.chaos.findings import Findings
from tests.chaos.judge import judge_deliveries, judge_events, judge_notices, judge_submissions
from tests.chaos.judge_stock import judge_stock
from tests.chaos.preparation import SCHEDULE, mailbox, phone, registration
from tests.chaos.retrying_client import http_session, post_until_answered
from tests.chaos.sql import select
from tests.chaos.stock_clients import StockClients
from tests.chaos.stock_reply_log import StockReplyLog
from tests.chaos.submission_clients import Clients, Sender, SubmissionLog, SubmissionReply
from tests.chaos.vendors import VENDOR_RECORD_FILE, VendorRecord
from tests.conftest import eventually
from tests.documentation import ROOT_DIRECTORY
from tests.e2e.workspace import Running, Workspace, on_real_servers

RELEASE_BEFORE = "ebeb18a"
"""The oldest commit from which an upgrade works: its schema is at 0014, and its HTTP knows no accounts."""
CODE = ("adapters", "config", "core", "entrypoints")
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


@pytest.fixture
def code_before(tmp_path: Path) -> Path:
    """Return a folder with the code of the release before; skip where its commit is unknown."""
    folder = tmp_path / "before"
    folder.mkdir()
    if not (git := shutil.which("git")):
        pytest.skip("the release before needs git")
    archive = [git, "archive", RELEASE_BEFORE, *CODE]
    packed = subprocess.run(archive, cwd=ROOT_DIRECTORY, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip(f"this copy has no commit {RELEASE_BEFORE}, the release before: {packed.stderr.decode().strip()}")
    subprocess.run(["tar", "x"], cwd=folder, input=packed.stdout, check=True)
    return folder


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
        prefix, bootstrap = self.kafka.topic_prefix, self.servers.kafka
        clients = Clients(urls, api_key, self.ledger, self.candidates, PAUSE_SECONDS)
        sender = Sender(bootstrap, prefix, self.ledger, self.candidates)
        keepers = StockClients(urls, api_key, bootstrap, prefix, self.book)
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
        while left := await waiting(self.servers, name, prefix, self.kafka.group):
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


@pytest.fixture
async def office(mysql: MySQL, kafka: Kafka, code_before: Path, tmp_path: Path) -> AsyncIterator[Office]:
    """Create an office of the release before."""
    folder = tmp_path / "office"
    folder.mkdir()
    record = {
        "SANDBOX__RECORD_PATH": str(folder / SENT_FILE),
        "INVENTORY__PHONE": "+919700000000",
        "KAFKA__PARTITIONS": "3",
    }
    environment = on_real_servers(mysql, kafka, **record)
    before = Before(code_before, folder, environment)
    rows = "".join(f"{registration(n)},Asha {n},student,{mailbox(n)},{phone(n)}\n" for n in range(CANDIDATES))
    (folder / "roster.csv").write_text("registration,name,category,email,phone\n" + rows)
    schedule = str(code_before / f"config/data/schedules/{SCHEDULE}.toml")
    await before.finish(["migrate"])
    await before.finish(["import", "students", "roster.csv"], ["import", "schedule", schedule], ["topics"])
    made = Office(Servers(mysql, kafka.bootstrap), kafka, before, Workspace(folder, None, environment))
    yield made
    made.ledger.close()
    made.book.close()


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


def judged(facts: Facts) -> dict[str, list[str]]:
    """Return what is wrong."""
    findings = Findings()
    for judge in (judge_submissions, judge_events, judge_notices, judge_deliveries, judge_stock):
        judge(facts, findings)
    doubts = {"dead_letters": facts.dead_letters, "unknown": ["a delivery"] * findings.unknown}
    return dict(findings.of) | {kind: found for kind, found in doubts.items() if found}


async def repeat_at_both(office: Office, first: str, other: str, api_key: str) -> None:
    """Submit at one release and repeat the request at both: it is stored once, and each answer names it."""
    fee, key = {"schedule": SCHEDULE, "registration": registration(next(office.candidates))}, uuid4().hex
    async with http_session(api_key) as session:
        urls = (first, first, other)
        answers = [await post_until_answered(session, [url], "POST", "/v1/exam-fees", fee, key) for url in urls]
        for url in urls:
            async with session.get(f"{url}/v1/exam-fees/{answers[0].body['reference']}") as shown:
                assert shown.status == 200
    assert answers[0].body == answers[1].body
    assert [each.status for each in answers] == [201, 201, 409]
    assert answers[0].body["reference"] in str(answers[2].body)
    office.ledger.note(SubmissionReply(fee["registration"], 201, answers[0].body["reference"]))


async def test_two_releases_serve_one_office_and_the_older_one_returns(office: Office) -> None:
    async with asyncio.timeout(500):
        await upgrade_and_return(office)
    assert judged(await office.facts()) == {}
    for whose in ("actor = ''", "actor <> ''"):
        assert await office.servers.figure(f"SELECT COUNT(*) FROM event_log WHERE {whose}") > ENOUGH


async def upgrade_and_return(office: Office) -> None:
    """Replace the release before by this one and back again, under load."""
    async with AsyncExitStack() as servers:
        before = await servers.enter_async_context(serving(office.before.start("serve")))
        async with office.load([before.url], "none"):
            await office.enough()
            await office.command("migrate")
            await office.command("keys", "create")
            await office.command("topics")
            ready = await asyncio.to_thread(httpx.get, f"{before.url}/health/ready", timeout=30)
            assert ready.status_code == 200, ready.text
            await office.enough()
            api_key = await asyncio.to_thread(office.this.api_key)
            this = await servers.enter_async_context(serving(office.this.start()))
        urls = [before.url, this.url]
        async with office.load(urls, api_key):
            await repeat_at_both(office, before.url, this.url, api_key)
            await repeat_at_both(office, this.url, before.url, api_key)
            await office.enough()
            urls.remove(before.url)
            await stop(before)
            await office.enough()
            returned = await servers.enter_async_context(serving(office.before.start("serve")))
            urls.append(returned.url)
            await office.enough()
            urls.remove(this.url)
            await stop(this)
            await office.enough()
        await office.drained()
        await stop(returned)

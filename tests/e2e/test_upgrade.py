"""The release before and this one side by side on one database and the same topics, and the way back."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from config.sections.servers import Kafka, MySQL
from tests.chaos.facts import Facts
from tests.chaos.findings import Findings
from tests.chaos.judge import judge_deliveries, judge_events, judge_notices, judge_submissions
from tests.chaos.judge_stock import judge_stock
from tests.chaos.preparation import SCHEDULE, mailbox, phone, registration
from tests.chaos.retrying_client import http_session, post_until_answered
from tests.chaos.submission_clients import SubmissionReply
from tests.documentation import ROOT_DIRECTORY
from tests.e2e.two_releases import CANDIDATES, ENOUGH, SENT_FILE, Before, Office, Servers, serving, stop
from tests.e2e.workspace import Workspace, on_real_servers

RELEASE_BEFORE = "ebeb18a"
"""The last commit before accounts: its schema is at 0014, and its HTTP needs no credential."""
CODE = ("adapters", "config", "core", "entrypoints")


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

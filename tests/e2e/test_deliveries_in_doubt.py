"""A dispatcher dies with deliveries in flight: the vendor is queried, and a person decides about the rest."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.container import Application, running
from config.settings_file import load
from core.notifications.delivery import Channel
from core.notifications.messages import Email
from tests.e2e.workspace import Workspace, until
from tests.units_of_work import any_work

CONFIGURATION = """
serve = [{serve}]
provision = true
[adapters]
persistence = "sqlite"
email = ["sandbox"]
sms = ["console"]
[http]
port = 0
[sandbox]
record_path = "vendors.jsonl"
"""
EVERYTHING = '"http", "consumer", "relay", "dispatcher", "scheduler"'
STUDENTS = ("SU-2026-0001", "SU-2026-0002")
AUTHOR_OPTIONS = ("--who", "Ravi Deshpande", "--why", "the student showed it at the counter")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "bursar.toml").write_text(CONFIGURATION.format(serve='"http", "consumer", "relay"'))
    return Workspace(tmp_path, tmp_path / "bursar.toml", {})


async def die_sending(workspace: Workspace) -> None:
    """Claim all deliveries as a dispatcher that died a week ago, after the vendor accepted one e-mail."""
    changes = {
        "sqlite": {"path": str(workspace.folder / "bursar.db")},
        "sandbox": {"record_path": str(workspace.folder / "vendors.jsonl")},
    }
    assert workspace.config
    async with running(Application(settings=load(workspace.config, {}, changes))) as application:
        now = datetime.now(UTC)
        async with any_work(application) as work:
            emails = await work.deliveries.claim(Channel.EMAIL, now, now - timedelta(days=7), 10)
            texts = await work.deliveries.claim(Channel.SMS, now, now - timedelta(days=7), 10)
            await work.commit()
        assert (len(emails), len(texts)) == (2, 2)
        letter = Email(delivery=emails[0].id, to="x@example.org", subject="s", text="t", html="h")
        await application.vendors.email_vendors("sandbox").send(letter)
        await application.use_cases().notifications.expire_claims()


def test_a_killed_dispatcher_leaves_nothing_sent_twice_and_nothing_forgotten(workspace: Workspace) -> None:
    with workspace.serve() as server, server.client() as client:
        fees = []
        for student in STUDENTS:
            body = {"schedule": "sahyadri-semester", "registration": student}
            submitted = client.post("/v1/exam-fees", json=body, headers={"Idempotency-Key": student}).json()
            fees.append(submitted["reference"])
        until(lambda: len(client.get("/v1/deliveries?state=pending").json()["items"]) == 4)
    asyncio.run(die_sending(workspace))
    unknown = workspace.json("deliveries", "list", "--state", "unknown")["items"]
    assert workspace.config
    workspace.config.write_text(CONFIGURATION.format(serve=EVERYTHING))

    with workspace.serve() as server, server.client() as client:
        # the e-mail vendor has one of them, the other is sent again; the vendor of text messages cannot be queried
        until(lambda: len(workspace.messages()) == 2)
        until(lambda: len(client.get("/v1/deliveries").json()["items"]) == 2)
        undecided = client.get("/v1/deliveries").json()["items"]
        assert workspace.json("deliveries", "list", "--channel", "sms")["items"] == undecided
        first, second = (each["id"] for each in undecided)
        settled = workspace.json("deliveries", "settle", first, "--as", "not-sent", *AUTHOR_OPTIONS)
        until(lambda: server.log.read_text().count("text message to") == 1)
        again = workspace.run("deliveries", "settle", first, "--as", "sent", *AUTHOR_OPTIONS)
        decision = {"decision": "sent", "why": "it is in the log of the modem"}
        by_http = client.post(f"/v1/deliveries/{second}/settlement", json=decision)
        refused = workspace.run("deliveries", "settle", second, "--as", "not-sent", *AUTHOR_OPTIONS)
        until(lambda: len(client.get("/v1/deliveries?state=sent").json()["items"]) == 4)
        told = [entry for fee in fees for entry in client.get(f"/v1/exam-fees/{fee}").json()["timeline"]]
        listed = workspace.run("deliveries", "list", "--state", "sent")

    assert len(unknown) == 4
    assert (settled["state"], by_http.json()["state"]) == ("pending", "sent")
    assert [(done.returncode, done.stderr.partition(":")[0]) for done in (again, refused)] == [
        (3, "delivery-settled")
    ] * 2
    assert sorted(entry["what"] for entry in told if " " in entry["what"]) == [
        "email absent",
        "email accepted",
        "email found",
        "sms accepted",
        "sms settled",
        "sms settled",
        "sms undecided",
        "sms undecided",
    ]
    assert f"not-sent, says {AUTHOR_OPTIONS[1]}: {AUTHOR_OPTIONS[3]}" in {entry["detail"] for entry in told}
    assert server.log.read_text().count("text message to") == 1
    assert len({message["delivery"] for message in workspace.messages()}) == len(workspace.messages()) == 2
    assert listed.stdout.count(" sent ") == 4
    assert "@" not in listed.stdout


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("settle", "9" * 10_000, "--as", "sent", *AUTHOR_OPTIONS), "unknown-delivery"),
        (("settle", "x", "--as", "sent", "--who", "Ravi\nX-Admin: 1", "--why", "seen"), "invalid"),
        (("list", "--after", "yesterday"), "invalid"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(workspace: Workspace, words: tuple[str, ...], kind: str) -> None:
    done = workspace.run("deliveries", *words)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{kind}: ")
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 300

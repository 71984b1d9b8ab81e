"""A dispatcher dies with messages in hand: what the vendor knows is asked of the vendor, the rest of a person."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.container import Application, running
from config.settings import load
from core.notifications.delivery import Channel
from core.notifications.messages import Email
from tests.e2e.workspace import Workspace, until

OFFICE = """
serve = [{serve}]
provision = true
[adapters]
persistence = "sqlite"
email = ["sandbox"]
sms = ["console"]
[http]
port = 0
[sandbox]
record = "vendors.jsonl"
"""
EVERYTHING = '"http", "consumer", "relay", "dispatcher", "scheduler"'
STUDENTS = ("SU-2026-0001", "SU-2026-0002")
WHO = ("--who", "Ravi Deshpande", "--why", "the student showed it at the counter")


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    (tmp_path / "bursar.toml").write_text(OFFICE.format(serve='"http", "consumer", "relay"'))
    return Workspace(tmp_path, tmp_path / "bursar.toml", {})


async def die_sending(place: Workspace) -> None:
    """Take everything in hand as a dispatcher did a week ago, let the vendor take one e-mail, and never come back."""
    changes = {
        "sqlite": {"path": str(place.folder / "bursar.db")},
        "sandbox": {"record": str(place.folder / "vendors.jsonl")},
    }
    assert place.config
    async with running(Application(settings=load(place.config, {}, changes))) as application:
        now = datetime.now(UTC)
        async with application.driven.new_work() as work:
            emails = await work.deliveries.claim(Channel.EMAIL, now, now - timedelta(days=7), 10)
            texts = await work.deliveries.claim(Channel.SMS, now, now - timedelta(days=7), 10)
            await work.commit()
        assert (len(emails), len(texts)) == (2, 2)
        letter = Email(delivery=emails[0].id, to="x@example.org", subject="s", text="t", html="h")
        await application.driven.email_vendors("sandbox").send(letter)
        await application.use_cases.expire_claims()()


def test_a_killed_dispatcher_leaves_nothing_sent_twice_and_nothing_forgotten(place: Workspace) -> None:
    with place.serve() as office, office.client() as client:
        fees = []
        for student in STUDENTS:
            body = {"schedule": "sahyadri-semester", "registration": student}
            submitted = client.post("/v1/exam-fees", json=body, headers={"Idempotency-Key": student}).json()
            fees.append(submitted["reference"])
        until(lambda: len(client.get("/v1/deliveries?state=pending").json()["items"]) == 4)
    asyncio.run(die_sending(place))
    unknown = place.json("deliveries", "list", "--state", "unknown")["items"]
    assert place.config
    place.config.write_text(OFFICE.format(serve=EVERYTHING))

    with place.serve() as office, office.client() as client:
        # the vendor of e-mails knows one of them, and the other is sent again; nobody can be asked about the SMS
        until(lambda: len(place.messages()) == 2)
        until(lambda: len(client.get("/v1/deliveries").json()["items"]) == 2)
        undecided = client.get("/v1/deliveries").json()["items"]
        assert place.json("deliveries", "list", "--channel", "sms")["items"] == undecided
        first, second = (each["id"] for each in undecided)
        settled = place.json("deliveries", "settle", first, "--as", "not-sent", *WHO)
        until(lambda: office.log.read_text().count("text message to") == 1)
        again = place.run("deliveries", "settle", first, "--as", "sent", *WHO)
        decision = {"decision": "sent", "who": "Asha", "why": "it is in the log of the modem"}
        by_http = client.post(f"/v1/deliveries/{second}/settlement", json=decision)
        refused = place.run("deliveries", "settle", second, "--as", "not-sent", *WHO)
        until(lambda: len(client.get("/v1/deliveries?state=sent").json()["items"]) == 4)
        told = [entry for fee in fees for entry in client.get(f"/v1/exam-fees/{fee}").json()["timeline"]]
        listed = place.run("deliveries", "list", "--state", "sent")

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
    assert f"not-sent, says {WHO[1]}: {WHO[3]}" in {entry["detail"] for entry in told}
    assert office.log.read_text().count("text message to") == 1
    assert len({message["delivery"] for message in place.messages()}) == len(place.messages()) == 2
    assert listed.stdout.count(" sent ") == 4
    assert "@" not in listed.stdout


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("settle", "9" * 10_000, "--as", "sent", *WHO), "unknown-delivery"),
        (("settle", "x", "--as", "sent", "--who", "Ravi\nX-Admin: 1", "--why", "seen"), "invalid"),
        (("list", "--after", "yesterday"), "invalid"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(place: Workspace, words: tuple[str, ...], kind: str) -> None:
    done = place.run("deliveries", *words)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{kind}: ")
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 300

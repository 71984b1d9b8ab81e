"""One scenario over three transports on two stacks: the same requests get the same answers."""

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import pytest

from config.sections.servers import Kafka, RabbitMQ
from tests.e2e.topics import Command, received_events, send
from tests.e2e.workspace import Workspace, until
from tests.e2e.workspaces import a_workspace

ROSTER = """registration,name,category,country,certificates,email,phone,language
NE-1,Priya Sharma,obc-ncl,IN,,priya@example.org,+919812345608,hi
NE-2,Tenzin Dorje,st,IN,,tenzin@example.org,+919812345609,en
NE-3,Leila Fernandes,general,AE,,leila@example.org,+971501234567,en
CB-1,Sunita Meena,st,IN,,sunita@example.org,+919812345605,hi
CB-2,Arjun Nair,general,IN,visually-impaired,arjun@example.org,,en
"""
XII = {"papers": ["301", "041", "042", "043", "083", "048"], "practicals": ["042", "043"]}


@pytest.fixture(params=["embedded", "mysql+kafka"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    """Create an empty workspace, and load a schedule and a roster."""
    made = a_workspace(request, tmp_path)
    (tmp_path / "roster.csv").write_text(ROSTER)
    shipped = [str(path.resolve()) for path in sorted(Path("config/data/schedules").glob("*.toml"))]
    assert len(made.json("import", "schedule", *shipped)) == len(shipped)
    assert made.json("import", "students", "roster.csv")["added"] == 5
    return made


def test_from_quote_to_sms(workspace: Workspace) -> None:
    body = {"schedule": "cbse-2020-xii", "registration": "CB-1", **XII}
    with workspace.serve() as server, server.client() as client:
        quote = client.post("/v1/quotes", json=body)
        submitted = client.post("/v1/exam-fees", json=body, headers={"Idempotency-Key": "k1", "X-Request-ID": "desk-7"})
        again = client.post("/v1/exam-fees", json=body, headers={"Idempotency-Key": "k1"})
        fee = f"/v1/exam-fees/{submitted.json()['id']}"
        until(lambda: told(client.get(fee).json()) >= {"email accepted", "sms accepted"})
        shown = client.get(fee).json()
        by_reference = workspace.json("show", submitted.json()["reference"])
        later = workspace.json("submit", "cbse-2020-xii", "CB-2", *papers(), "--key", "counter-1")
        repeated = workspace.json("submit", "cbse-2020-xii", "CB-2", *papers(), "--key", "counter-1")
        refused = workspace.run("submit", "cbse-2020-xii", "CB-2", *papers(), "--key", "counter-2")
        until(lambda: len(workspace.messages()) == 3)

    # five papers 1,200, one further 300, two practicals 2 × 150, and late by years: 2,000
    assert [line["amount"]["minor"] for line in quote.json()["lines"]] == [120_000, 30_000, 30_000, 200_000]
    assert submitted.status_code == 201
    assert submitted.json()["lines"] == quote.json()["lines"]
    assert submitted.json()["total"] == {"minor": 380_000, "currency": "INR"}
    assert (again.status_code, again.content) == (201, submitted.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert [entry["what"] for entry in shown["timeline"]][:3] == ["received", "stored", "published"]
    assert {entry["request_id"] for entry in shown["timeline"]} == {"desk-7"}
    assert all(entry["vendor_id"] for entry in shown["timeline"] if entry["vendor"])
    assert by_reference == shown
    assert (later["total"]["minor"], repeated["reference"]) == (0, later["reference"])
    assert (refused.returncode, later["reference"] in refused.stderr) == (3, True)
    # the candidate without a telephone number gets an e-mail only, and no candidate gets a message twice
    assert sorted(message["to"] for message in workspace.messages()) == [
        "+919812345605",
        "arjun@example.org",
        "sunita@example.org",
    ]


@pytest.mark.parametrize("workspace", ["embedded", "mysql+kafka", "mysql+rabbitmq"], indirect=True)
def test_a_restart_loses_and_repeats_nothing(workspace: Workspace) -> None:
    references = []
    for number, papers_of in enumerate(("CB-1", "CB-2")):
        with workspace.serve() as server, server.client() as client:
            body = {"schedule": "cbse-2020-xii", "registration": papers_of, **XII}
            submitted = client.post("/v1/exam-fees", json=body, headers={"Idempotency-Key": f"k{number}"})
            references.append(submitted.json()["reference"])
            client.get("/health/ready").raise_for_status()
    with workspace.serve():
        until(lambda: len(workspace.messages()) == 3)

    texts = [json.dumps(message) for message in workspace.messages()]
    assert [sum(reference in text for text in texts) for reference in references] == [2, 1]


@pytest.mark.parametrize("workspace", ["mysql+kafka", "mysql+rabbitmq"], indirect=True)
def test_a_command_gets_the_same_answers_as_http(workspace: Workspace, broker: Kafka | RabbitMQ) -> None:
    accepted, refused, garbage = str(uuid4()), "order/2", str(uuid4())
    command = {"schedule": "cbse-2020-xii", "registration": "CB-1", **XII}
    with workspace.serve() as server, server.client() as client:
        quote = client.post("/v1/quotes", json=command).json()
        sent = [
            Command(accepted, "SubmitExamFee", json.dumps(command)),
            Command(accepted, "SubmitExamFee", json.dumps(command)),
            Command(refused, "SubmitExamFee", json.dumps(command | {"registration": "UNKNOWN-1"})),
            Command(garbage, "SubmitExamFee", "not json"),
            Command(str(uuid4()), "Unheard", "{}"),
        ]
        asyncio.run(send(broker, "fees.commands", *sent))
        answers = asyncio.run(received_events(broker, 4, "fees", "fees.dead-letters"))
        until(lambda: len(workspace.messages()) == 2)
        listed = client.get("/v1/students/CB-1/exam-fees").json()["items"]

    [submitted] = [event.body for event in answers if event.kind == "FeeSubmitted"]
    assert submitted["lines"] == quote["lines"]
    assert [fee["reference"] for fee in listed] == [submitted["reference"]]
    [refusal] = [event.body for event in answers if event.kind == "ExamFeeRefused" and event.cause == refused]
    assert (refusal["problem"], refusal["field"]) == ("urn:bursar:problem:unknown-candidate", "$.registration")
    buried = {event.body["type"]: event.body["reason"] for event in answers if event.kind == "MessageBuried"}
    assert buried == {"SubmitExamFee": "DecodeError", "Unheard": "UnknownMessage"}


def told(fee: dict[str, list[dict[str, str]]]) -> set[str]:
    """Return the timeline of a fee."""
    return {entry["what"] for entry in fee["timeline"]}


def papers() -> list[str]:
    """Return the options that choose class XII's papers on the command line."""
    words = [word for paper in XII["papers"] for word in ("--paper", paper)]
    return words + [word for paper in XII["practicals"] for word in ("--practical", paper)]

"""A fee in two instalments, paid at a gateway, at the counter and by a message of another program."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from config.sections.servers import Kafka
from tests.e2e.topics import Command, received_events, send
from tests.e2e.workspace import Workspace, until
from tests.e2e.workspaces import a_workspace

SCHEDULE = """
code = "two-parts"
title = "Two parts"
currency = "INR"
zone = "Asia/Kolkata"
country = "IN"
categories = ["student"]
instalments = [{{ basis_points = 6000, due = {first} }}, {{ basis_points = 4000, due = {last} }}]

[[rules]]
kind = "flat"
head = "tuition"
title = "Tuition"
amount = 100000
"""
ROSTER = "registration,name,category,country,certificates,email,phone,language\nT-1,Asha,student,IN,,,,en\n"


@pytest.fixture(params=["embedded", "mysql+kafka"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    made = a_workspace(request, tmp_path)
    made.environment["BURSAR__ADAPTERS__PAYMENTS"] = "sandbox"
    today = datetime.now(UTC).date()
    first, last = today + timedelta(days=30), today + timedelta(days=60)
    (tmp_path / "two-parts.toml").write_text(SCHEDULE.format(first=first, last=last))
    (tmp_path / "roster.csv").write_text(ROSTER)
    made.json("import", "schedule", "two-parts.toml")
    made.json("import", "students", "roster.csv")
    return made


def submitted(workspace: Workspace) -> str:
    """Submit the fee, and wait until it is charged."""
    reference: str = workspace.json("submit", "two-parts", "T-1")["reference"]
    until(lambda: workspace.run("pay", "show", reference).returncode == 0)
    return reference


def states(workspace: Workspace, reference: str) -> list[str]:
    shown: dict[str, Any] = workspace.json("pay", "show", reference)
    return [each["state"] for each in shown["instalments"]]


def test_one_instalment_is_paid_at_a_gateway_and_the_other_one_at_the_counter(workspace: Workspace) -> None:
    with workspace.serve() as server:
        reference = submitted(workspace)
        opened = workspace.json("pay", "online", reference, "--key", "once")
        repeated = workspace.json("pay", "online", reference, "--key", "once")
        refused = workspace.run("pay", "online", reference)
        path = httpx.URL(opened["checkout"]["url"]).path
        with server.client() as client:
            client.post(path, data={"outcome": "paid"}).raise_for_status()
        until(lambda: states(workspace, reference) == ["paid", "unpaid"])
        taken = workspace.json("pay", "counter", reference, "400.00", "--cash", "--key", "desk")
        again = workspace.json("pay", "counter", reference, "400.00", "--cash", "--key", "desk")
        told = workspace.run("pay", "show", reference)

    assert (opened["amount"]["minor"], repeated) == (60_000, opened)
    assert (refused.returncode, refused.stderr.partition(":")[0]) == (3, "payment-under-way")
    assert (taken["state"], again) == ("taken", taken)
    assert told.stdout.startswith(f"{reference} is paid: ")
    assert told.stdout.count("paid") >= 3


@pytest.mark.parametrize("workspace", ["mysql+kafka"], indirect=True)
def test_a_command_takes_a_payment_once_and_a_refusal_says_why(workspace: Workspace, kafka: Kafka) -> None:
    accepted, refused, dated = (str(uuid4()) for _ in range(3))
    with workspace.serve():
        reference = submitted(workspace)
        deposit = {"amount": {"minor": 60_000, "currency": "INR"}, "method": "challan", "document": "SBI/1"}
        body = {"fee": reference, "deposit": deposit}
        early = {**deposit, "document": "SBI/2", "paid_at": "2020-01-01T00:00:00Z"}
        sent = [
            Command(accepted, "TakeCounterPayment", json.dumps(body)),
            Command(accepted, "TakeCounterPayment", json.dumps(body)),
            Command(refused, "TakeCounterPayment", json.dumps(body)),
            Command(dated, "TakeCounterPayment", json.dumps({"fee": reference, "deposit": early})),
        ]
        asyncio.run(send(kafka, "payments.commands", *sent))
        events = asyncio.run(received_events(kafka, 3, "payments"))
        until(lambda: states(workspace, reference) == ["paid", "unpaid"])
        [payment] = workspace.json("pay", "show", reference)["payments"]

    assert (payment["gateway"], payment["gateway_payment"]) == ("counter", "challan:SBI/1")
    assert [each.body["amount"]["minor"] for each in events if each.kind == "PaymentCaptured"] == [60_000]
    refusals = {each.cause: each.body["problem"] for each in events if each.kind == "CounterPaymentRefused"}
    assert refusals == {
        refused: "urn:bursar:problem:document-used", dated: "urn:bursar:problem:unprocessable",
    }  # fmt: skip

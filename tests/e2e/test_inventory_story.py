"""The inventory over HTTP, Kafka and the command line."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from config.sections.servers import Kafka, RabbitMQ
from tests.e2e.topics import Command, received_events, send
from tests.e2e.workspace import Workspace, until
from tests.e2e.workspaces import a_workspace

STORES = '[inventory]\nemail = "stores@example.org"\nname = "Meera Pillai"\n'
ROSTER = "registration,name,category,email\nSU-1,Kavya Rao,student,kavya@example.org\n"
KIT = "SU-EXAM-KIT"


@pytest.fixture(params=["embedded", "mysql+kafka"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    """Create a workspace with empty inventory and a contact of its staff."""
    made = a_workspace(request, tmp_path, STORES)
    (tmp_path / "roster.csv").write_text(ROSTER)
    schedule = Path("config/data/schedules/sahyadri-semester.toml").resolve()
    assert made.json("import", "schedule", str(schedule))
    assert made.json("import", "students", "roster.csv")["added"] == 1
    return made


def test_goods_are_bought_ordered_corrected_and_shipped(workspace: Workspace) -> None:
    with workspace.serve() as server, server.client() as client:
        bought = buy(client, "B-1", "PEN", 10, key="b-1")
        again = buy(client, "B-1", "PEN", 10, key="b-1")
        first = allocate(client, "SCHOOL-1", 6)
        repeated = allocate(client, "SCHOOL-1", 6)
        other = allocate(client, "SCHOOL-1", 7)
        refused = [allocate(client, "SCHOOL-2", 5) for _ in range(2)]
        at_the_counter = workspace.json("stores", "allocate", "SCHOOL-2", "PEN", "5", "--wait")
        reduced = client.patch("/v1/batches/B-1", json={"quantity": 4})
        more = buy(client, "B-2", "PEN", 12)
        cancelled = client.delete("/v1/allocations/SCHOOL-2")
        parcel = {"order": "SCHOOL-1", "everything": True}
        shipped = client.post("/v1/shipments", json=parcel, headers={"Idempotency-Key": "parcel"})
        gone = client.delete("/v1/allocations/SCHOOL-1")
        until(lambda: shortages(workspace, "PEN"))

    assert (bought.status_code, again.content) == (201, bought.content)
    assert (first.status_code, first.json()["state"], parts(first.json())) == (201, "allocated", {"B-1": 6})
    assert repeated.json() == first.json()
    assert problem(other) == (409, "line-already-allocated")
    assert [problem(each) for each in refused] == [(409, "out-of-stock")] * 2
    assert [line["state"] for line in at_the_counter] == ["waiting"]
    # the deallocated line has its old position, before the line that found no stock
    assert (reduced.json()["gave_up"], reduced.json()["served"], reduced.json()["batch"]["available"]) == (1, 0, 4)
    assert (more.json()["served"], more.json()["batch"]["available"]) == (2, 1)
    assert [(line["state"], line["parts"]) for line in cancelled.json()] == [("cancelled", [])]
    assert [(line["state"], parts(line)) for line in shipped.json()] == [("shipped", {"B-2": 6})]
    assert problem(gone) == (409, "already-shipped")
    assert len(shortages(workspace, "PEN")) == 1


def test_inventory_staff_are_notified_of_a_shortage_once(workspace: Workspace) -> None:
    with workspace.serve() as server, server.client() as client:
        buy(client, "B-1", "PEN", 1)
        for order in ("SCHOOL-1", "SCHOOL-2", "SCHOOL-3"):
            assert problem(allocate(client, order, 5)) == (409, "out-of-stock")
        until(lambda: shortages(workspace, "PEN"))
        buy(client, "B-2", "PEN", 1)
        assert problem(allocate(client, "SCHOOL-4", 5)) == (409, "out-of-stock")
        until(lambda: len(shortages(workspace, "PEN")) == 2)

    assert {message["to"] for message in shortages(workspace, "PEN")} == {"stores@example.org"}


def test_a_fee_reserves_its_kit_as_soon_as_there_is_one(workspace: Workspace) -> None:
    fee = {"schedule": "sahyadri-semester", "registration": "SU-1"}
    with workspace.serve() as server, server.client() as client:
        submitted = client.post("/v1/exam-fees", json=fee, headers={"Idempotency-Key": "k"}).json()
        order = submitted["reference"]
        # a second kit is out of stock: the refusal reports the first
        until(lambda: problem(allocate(client, order, 2, KIT)) == (409, "line-already-allocated"))
        waiting = allocate(client, order, 2, KIT).json()["facts"]
        kits = buy(client, "KITS-1", KIT, 1).json()
        reserved = allocate(client, order, 1, KIT).json()

    assert waiting == {"quantity": "1", "state": "waiting"}
    assert (kits["served"], kits["batch"]["available"]) == (1, 0)
    assert (reserved["state"], parts(reserved)) == ("allocated", {"KITS-1": 1})


@pytest.mark.parametrize("workspace", ["mysql+kafka", "mysql+rabbitmq"], indirect=True)
def test_a_command_takes_effect_or_is_refused_by_an_event(workspace: Workspace, broker: Kafka | RabbitMQ) -> None:
    with workspace.serve() as server, server.client() as client:
        asyncio.run(send(broker, "inventory.commands", command("buy", "CreateBatch", batch("B-1", 10))))
        asyncio.run(received_events(broker, 1, "inventory"))
        asyncio.run(
            send(
                broker,
                "inventory.commands",
                command("order", "Allocate", {"order": "SCHOOL-1", "sku": "PEN", "quantity": 6}),
                command("order", "Allocate", {"order": "SCHOOL-1", "sku": "PEN", "quantity": 6}),
                command("too-much", "Allocate", {"order": "SCHOOL-2", "sku": "PEN", "quantity": 6}),
                command("negative", "Allocate", {"order": "SCHOOL-3", "sku": "PEN", "quantity": -1}),
                command("again", "CreateBatch", batch("B-1", 10)),
                command("reduce", "ChangeBatchQuantity", {"reference": "B-1", "quantity": 5}),
                command("newer", "CreateBatch", batch("B-2", 10), ce_dataversion="2"),
                command("garbage", "CreateBatch", {"reference": 1}),
            )
        )
        answers = asyncio.run(received_events(broker, 10, "inventory", "inventory.dead-letters"))
        lines = client.delete("/v1/allocations/SCHOOL-1").json()

    told = sorted((event.cause, event.kind) for event in answers)
    assert told == [
        ("again", "StockCommandRefused"),
        ("buy", "BatchCreated"),
        ("garbage", "MessageBuried"),
        ("negative", "StockCommandRefused"),
        ("newer", "MessageBuried"),
        ("order", "Allocated"),
        ("reduce", "BatchQuantityChanged"),
        ("reduce", "Deallocated"),
        ("too-much", "OutOfStock"),
        ("too-much", "StockCommandRefused"),
    ]
    refused = {event.cause: event.body for event in answers if event.kind == "StockCommandRefused"}
    assert {cause: body["problem"].rpartition(":")[2] for cause, body in refused.items()} == {
        "again": "batch-already-created",
        "negative": "invalid-quantity",
        "too-much": "out-of-stock",
    }
    assert refused["negative"]["field"] == "$.quantity"
    buried = {event.cause: event.body["reason"] for event in answers if event.kind == "MessageBuried"}
    assert buried == {"newer": "UnknownVersion", "garbage": "ValidationError"}
    assert [line["state"] for line in lines] == ["cancelled"]


@pytest.mark.parametrize("workspace", ["mysql+kafka"], indirect=True)
def test_a_warehouse_delivery_message_is_translated_into_stock_commands(
    workspace: Workspace, broker: Kafka | RabbitMQ
) -> None:
    note = {"delivery_note": "DN-7", "article": "PEN", "pieces": 12}
    with workspace.serve() as server, server.client() as client:
        announced = buy(client, "DN-7", "PEN", 10, eta="2099-01-15")
        asyncio.run(send(broker, "warehouse", command("arrived", "GoodsReceived", note)))
        until(lambda: allocate(client, "SCHOOL-1", 12).status_code == 201)
        line = allocate(client, "SCHOOL-1", 12).json()
        parcel = {"order": "SCHOOL-1", "article": "PEN"}
        miscounted = {"delivery_note": "DN-7", "pieces": 11}
        gone, lost = command("gone", "GoodsDispatched", parcel), command("lost", "StockCounted", miscounted)
        asyncio.run(send(broker, "warehouse", gone, lost))
        answers = asyncio.run(received_events(broker, 7, "inventory"))

    assert announced.json()["batch"]["eta"] == "2099-01-15"
    assert line["parts"] == [{"batch": "DN-7", "quantity": 12, "eta": None}]
    by_warehouse = [(event.cause, event.kind) for event in answers if event.cause in ("arrived", "gone", "lost")]
    assert sorted(by_warehouse) == [
        ("arrived", "ArrivalChanged"),
        ("arrived", "BatchQuantityChanged"),
        ("gone", "Shipped"),
        ("lost", "StockCommandRefused"),
    ]
    [refusal] = [event.body["problem"] for event in answers if event.kind == "StockCommandRefused"]
    assert refusal == "urn:bursar:problem:quantity-below-shipped"


def command(name: str, kind: str, body: Mapping[str, object], **headers: str) -> Command:
    """Return a command of a school or an event of a warehouse."""
    return Command(name, kind, json.dumps(body), headers)


def batch(reference: str, quantity: int) -> dict[str, object]:
    """Return the output of a command about pens."""
    return {"reference": reference, "sku": "PEN", "quantity": quantity}


def buy(client: httpx.Client, reference: str, sku: str, quantity: int, key: str = "", **more: str) -> httpx.Response:
    """Create a batch."""
    body = {"reference": reference, "sku": sku, "quantity": quantity, **more}
    return client.post("/v1/batches", json=body, headers={"Idempotency-Key": key or uuid4().hex})


def allocate(client: httpx.Client, order: str, quantity: int, sku: str = "PEN") -> httpx.Response:
    """Request an allocation with a new key."""
    body = {"order": order, "sku": sku, "quantity": quantity}
    return client.post("/v1/allocations", json=body, headers={"Idempotency-Key": uuid4().hex})


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Return the problem of a refusal."""
    return answer.status_code, answer.json().get("type", "").rpartition(":")[2]


def parts(line: dict[str, Any]) -> dict[str, int]:
    """Return the quantity of a line by batch."""
    return {part["batch"]: part["quantity"] for part in line["parts"]}


def shortages(workspace: Workspace, sku: str) -> list[dict[str, str]]:
    """Return the messages to the inventory staff."""
    return [message for message in workspace.messages() if message.get("subject") == f"Out of stock: {sku}"]

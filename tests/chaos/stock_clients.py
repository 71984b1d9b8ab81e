"""Careful clients who work the stores: they buy, correct, order, cancel and ship, and write the answers down."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import aiohttp
from aiokafka import AIOKafkaProducer

from core.messaging.message import topic_of
from tests.chaos.retrying_client import TIMEOUT, post_until_answered, send_until_acknowledged
from tests.chaos.stock_reply_log import StockReply, StockReplyLog

KIT = "SU-EXAM-KIT"
SKUS = ("PEN", "GOWN", "ATLAS")
ROUTES = {
    "CreateBatch": ("POST", "/v1/batches"),
    "ChangeBatchQuantity": ("PATCH", "/v1/batches/{reference}"),
    "Allocate": ("POST", "/v1/allocations"),
    "Deallocate": ("DELETE", "/v1/allocations/{order}/{sku}"),
    "CancelOrder": ("DELETE", "/v1/allocations/{order}"),
    "ShipOrder": ("POST", "/v1/shipments"),
}
"""How each command is given over HTTP."""


class StockClient(ABC):
    """Runs one errand after another; nobody else has its batches and its orders."""

    def __init__(self, book: StockReplyLog, pause: float) -> None:
        self._book, self._pause = book, pause
        self._batches: dict[str, int] = {}

    async def run(self, closing: asyncio.Event) -> None:
        """Work until `closing` is set, and every command has its answer."""
        while not closing.is_set():
            self._book.waiting += 1
            await random.choice((self._buy, self._correct, self._order, self._order, self._order))()
            self._book.waiting -= 1
            await asyncio.sleep(self._pause * 2 * random.random())

    @abstractmethod
    async def _ask(self, kind: str, body: dict[str, Any], name: str) -> StockReply:
        """Give a command under a name of its own; return when its answer, or the topic, is known to have it."""

    async def _say(self, kind: str, **body: Any) -> None:
        self._book.note(await self._ask(kind, body, uuid4().hex))

    async def _buy(self) -> None:
        reference, sku = f"B-{uuid4().hex[:12]}", random.choice((*SKUS, KIT))
        quantity = random.randint(5, 40) * (5 if sku == KIT else 1)
        await self._say("CreateBatch", reference=reference, sku=sku, quantity=quantity)
        self._batches[reference] = quantity

    async def _correct(self) -> None:
        if self._batches:
            reference, bought = random.choice(list(self._batches.items()))
            await self._say("ChangeBatchQuantity", reference=reference, quantity=random.randint(0, bought))

    async def _order(self) -> None:
        order, skus = f"O-{uuid4().hex[:12]}", random.sample(SKUS, random.choice((1, 1, 2)))
        for sku in skus:
            split, wait = random.random() < 0.4, random.random() < 0.5
            quantity, priority = random.randint(1, 12), random.randint(0, 9)
            demand = {"quantity": quantity, "split": split, "wait": wait, "priority": priority}
            await self._say("Allocate", order=order, sku=sku, **demand)
        match random.choice(("CancelOrder", "Deallocate", "ShipOrder", "", "", "")):
            case "":
                return
            case "Deallocate":
                await self._say("Deallocate", order=order, sku=skus[0])
            case ending:
                await self._say(ending, order=order)


class HttpStockClient(StockClient):
    """Asks over HTTP, and repeats what got no answer."""

    def __init__(self, book: StockReplyLog, pause: float, session: aiohttp.ClientSession, doors: Sequence[str]) -> None:
        super().__init__(book, pause)
        self._session, self._doors = session, doors

    async def _ask(self, kind: str, body: dict[str, Any], name: str) -> StockReply:
        method, path = ROUTES[kind]
        demand = {word: value for word, value in body.items() if f"{{{word}}}" not in path}
        heard = await post_until_answered(
            self._session, self._doors, method, path.format(**body), None if method == "DELETE" else demand, name
        )
        if heard.status < 300:
            parts = heard.body["parts"] if kind == "Allocate" else []
            return StockReply(
                kind, body, name, "done", heard.times, {part["batch"]: part["quantity"] for part in parts}
            )
        return StockReply(
            kind, body, name, "refused" if heard.times == 1 else "unsure", heard.times, why=str(heard.body)
        )


class KafkaStockClient(StockClient):
    """Sends commands; whoever refuses one says so by an event."""

    def __init__(self, book: StockReplyLog, pause: float, producer: AIOKafkaProducer, topic: str) -> None:
        super().__init__(book, pause)
        self._producer, self._topic = producer, topic

    async def _ask(self, kind: str, body: dict[str, Any], name: str) -> StockReply:
        # what concerns one order or batch has one key, and so its order
        await send_until_acknowledged(
            self._producer, self._topic, kind, name, body.get("order") or body["reference"], body
        )
        return StockReply(kind, body, name, "sent")


class StockClients:
    """All of them."""

    def __init__(self, doors: Sequence[str], bootstrap: str, topic_prefix: str, book: StockReplyLog) -> None:
        self._doors, self._bootstrap, self._book = doors, bootstrap, book
        self._topic = topic_prefix + topic_of("inventory.commands")
        self.closing = asyncio.Event()

    async def run(self, at_once: int, pause: float) -> None:
        """Work the stores until `closing` is set: so many over HTTP, and one by Kafka, who never waits for answers."""
        producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all", request_timeout_ms=5_000)
        await producer.start()
        try:
            async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
                keepers: list[StockClient] = [KafkaStockClient(self._book, 2 * pause, producer, self._topic)]
                keepers += [HttpStockClient(self._book, pause, session, self._doors) for _ in range(at_once)]
                await asyncio.gather(*(keeper.run(self.closing) for keeper in keepers))
        finally:
            await producer.stop()

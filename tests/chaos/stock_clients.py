"""Clients of the inventory that purchase, correct, allocate, cancel and ship, and record the replies."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import aiohttp

from core.messaging.message import topic_of
from tests.chaos.brokers import Broker, Producer
from tests.chaos.retrying_client import http_session, post_until_answered, send_until_acknowledged
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
"""The HTTP request of each command."""


class StockClient(ABC):
    """Runs one scenario after another, with batches and orders of its own."""

    def __init__(self, book: StockReplyLog, pause: float) -> None:
        self._book, self._pause = book, pause
        self._batches: dict[str, int] = {}

    async def run(self, closing: asyncio.Event) -> None:
        """Send commands until `closing` is set and each command has its reply."""
        while not closing.is_set():
            self._book.waiting += 1
            await random.choice((self._buy, self._correct, self._order, self._order, self._order))()
            self._book.waiting -= 1
            await asyncio.sleep(self._pause * 2 * random.random())

    @abstractmethod
    async def _ask(self, kind: str, body: dict[str, Any], name: str) -> StockReply:
        """Send a command with a new id; return when a reply or an acknowledgement of the broker has arrived."""

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
            case "ShipOrder":
                await self._say("ShipOrder", order=order, everything=True)
            case ending:
                await self._say(ending, order=order)


class HttpStockClient(StockClient):
    """Sends commands over HTTP, and repeats those without a response."""

    def __init__(
        self, book: StockReplyLog, pause: float, session: aiohttp.ClientSession, base_urls: Sequence[str]
    ) -> None:
        super().__init__(book, pause)
        self._session, self._base_urls = session, base_urls

    async def _ask(self, kind: str, body: dict[str, Any], name: str) -> StockReply:
        method, path = ROUTES[kind]
        demand = {word: value for word, value in body.items() if f"{{{word}}}" not in path}
        heard = await post_until_answered(
            self._session, self._base_urls, method, path.format(**body), None if method == "DELETE" else demand, name
        )
        if heard.status < 300:
            parts = heard.body["parts"] if kind == "Allocate" else []
            return StockReply(
                kind, body, name, "done", heard.times, {part["batch"]: part["quantity"] for part in parts}
            )
        return StockReply(
            kind, body, name, "refused" if heard.times == 1 else "unsure", heard.times, why=str(heard.body)
        )


class BrokerStockClient(StockClient):
    """Sends commands through the broker; refusals arrive as events."""

    def __init__(self, book: StockReplyLog, pause: float, broker: Broker, producer: Producer, topic: str) -> None:
        super().__init__(book, pause)
        self._broker, self._producer, self._topic = broker, producer, topic

    async def _ask(self, kind: str, body: dict[str, Any], name: str) -> StockReply:
        # the commands of one order or batch have one key, and therefore their order
        await send_until_acknowledged(
            self._broker, self._producer, self._topic, kind, name, body.get("order") or body["reference"], body
        )
        return StockReply(kind, body, name, "sent")


class StockClients:
    """All stock clients."""

    def __init__(
        self, base_urls: Sequence[str], api_key: str, broker: Broker, topic_prefix: str, book: StockReplyLog
    ) -> None:
        self._base_urls, self._api_key, self._broker, self._book = base_urls, api_key, broker, book
        self._topic = topic_prefix + topic_of("inventory.commands")
        self.closing = asyncio.Event()

    async def run(self, at_once: int, pause: float) -> None:
        """Send commands until `closing` is set: several clients over HTTP, one through the broker without replies."""
        async with self._broker.producer() as producer, http_session(self._api_key) as session:
            by_broker = BrokerStockClient(self._book, 2 * pause, self._broker, producer, self._topic)
            keepers: list[StockClient] = [by_broker]
            keepers += [HttpStockClient(self._book, pause, session, self._base_urls) for _ in range(at_once)]
            await asyncio.gather(*(keeper.run(self.closing) for keeper in keepers))

"""Clients that pay: each pays the fee that was just submitted, and the gateway's webhooks come as they please."""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import aiohttp

from adapters.sandbox.payer import SandboxPayer
from adapters.sandbox.payment_book import PaymentBook
from adapters.sandbox.webhooks import SandboxWebhooks
from adapters.system.clock import SystemClock
from core.payments.payer import PayerOutcome, SignedWebhook
from tests.chaos.retrying_client import http_session, post_until_answered

BOOK_FILE = "payments.jsonl"
OUTCOMES = {
    PayerOutcome.PAID: 10,
    PayerOutcome.PAID_TWICE: 4,
    PayerOutcome.LOST_ANSWER: 2,
    PayerOutcome.DECLINED: 1,
    PayerOutcome.SLOW: 1,
}
"""How often a payer meets each."""
DROPPED, DOUBLED = 0.2, 0.2
"""The shares of webhooks that never come, and that come twice."""
WEBHOOK_ATTEMPTS = 3
"""Then the gateway gives up, and the reconciler finds the payment."""


class Payers:
    """Several payers at once."""

    def __init__(self, urls: Sequence[str], api_key: str, folder: Path, references: asyncio.Queue[str]) -> None:
        book = PaymentBook(str(folder / BOOK_FILE))
        self._payer = SandboxPayer(book, SandboxWebhooks(book), SystemClock())
        self._urls, self._api_key, self._references = urls, api_key, references
        self.closing = asyncio.Event()
        self.paid = 0

    async def run(self, at_once: int) -> None:
        """Pay until `closing` is set and every webhook is sent."""
        async with http_session(self._api_key) as session, asyncio.TaskGroup() as webhooks:
            await asyncio.gather(*(self._pay_sequentially(session, webhooks) for _ in range(at_once)))

    async def _pay_sequentially(self, session: aiohttp.ClientSession, webhooks: asyncio.TaskGroup) -> None:
        while not (self.closing.is_set() and self._references.empty()):
            try:
                reference = await asyncio.wait_for(self._references.get(), timeout=0.5)
            except TimeoutError:
                continue
            opening = f"/v1/exam-fees/{reference}/payments"
            heard = await post_until_answered(session, self._urls, "POST", opening, None, uuid4().hex)
            if heard.status != 201:  # the first answer was lost, and its order is under way
                continue
            order = heard.body["checkout"]["url"].rpartition("/")[2]
            [outcome] = random.choices(list(OUTCOMES), list(OUTCOMES.values()))
            told = list(await self._payer.pay(order, outcome))
            self.paid += 1
            random.shuffle(told)
            for each in told:
                for _ in range(1 + (random.random() < DOUBLED)):
                    if random.random() >= DROPPED:
                        webhooks.create_task(self._send(session, each))

    async def _send(self, session: aiohttp.ClientSession, webhook: SignedWebhook) -> None:
        await asyncio.sleep(webhook.after.total_seconds())
        for _ in range(WEBHOOK_ATTEMPTS):
            url = random.choice(self._urls) + "/v1/payments/webhooks/sandbox"
            try:
                async with session.post(url, data=webhook.body, headers=dict(webhook.headers)) as response:
                    if response.status < 500:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(random.random())

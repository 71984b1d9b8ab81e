"""Retries of clients: a request keeps its name, and is repeated until its outcome is known."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec

from tests.chaos.brokers import Broker, Producer

IN_PROGRESS = "urn:bursar:problem:request-in-progress"
TIMEOUT = aiohttp.ClientTimeout(total=6)
SOURCE = "chaos"
"""The `ce_source` of the clients' commands."""


def http_session(api_key: str) -> aiohttp.ClientSession:
    """Return a session whose requests send an API key."""
    return aiohttp.ClientSession(timeout=TIMEOUT, headers={"Authorization": f"Bearer {api_key}"})


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A definite response over HTTP."""

    status: int
    body: Any
    times: int
    """The number of attempts."""


async def post_until_answered(
    session: aiohttp.ClientSession, base_urls: Sequence[str], method: str, path: str, demand: Any, key: str
) -> HttpAnswer:
    """Repeat a request with the same key, at any of the addresses, until it has a response."""
    pause, times = 0.05, 0
    while True:
        times += 1
        try:
            url, headers = random.choice(base_urls) + path, {"Idempotency-Key": key}
            async with session.request(method, url, json=demand, headers=headers) as response:
                body = await response.json()
                if response.status < 400 or (response.status < 500 and body.get("type") != IN_PROGRESS):
                    return HttpAnswer(response.status, body, times)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            pass
        await asyncio.sleep(pause * (0.5 + random.random()))
        pause = min(pause * 2, 1.0)


async def send_until_acknowledged(
    broker: Broker, producer: Producer, topic: str, kind: str, name: str, key: str, body: Any
) -> None:
    """Send a command until the broker acknowledges it, and sometimes once more, as a sender in doubt does."""
    told: Mapping[str, str] = {"ce_type": kind, "ce_source": SOURCE, "ce_id": name}
    sent = 0
    while sent < 1 + (random.random() < 0.2):
        try:
            async with asyncio.timeout(6):
                await producer.send(topic, key, told, msgspec.json.encode(body))
            sent += 1
        except (*broker.failures, TimeoutError):
            await asyncio.sleep(0.2)

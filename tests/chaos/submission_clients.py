"""Clients that submit fees: they repeat each request until it has a response, and record the reply."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import aiohttp
import msgspec

from core.messaging.message import topic_of
from tests.chaos.brokers import Broker, Producer
from tests.chaos.preparation import SCHEDULE, registration
from tests.chaos.retrying_client import http_session, post_until_answered, send_until_acknowledged

SUBMISSION_LOG_FILE = "ledger.jsonl"


class SubmissionReply(msgspec.Struct):
    """A definite reply to one request."""

    registration: str
    status: int
    reference: str = ""
    told: str = ""
    """The body of a response other than 201."""


class SubmissionLog:
    """Stores each reply on disk before its client continues."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / SUBMISSION_LOG_FILE).open("ab")
        self.acknowledged = self.waiting = 0

    def note(self, answer: SubmissionReply) -> None:
        """Append a reply."""
        self._file.write(msgspec.json.encode(answer) + b"\n")
        self._file.flush()
        self.acknowledged += answer.status == 201

    def close(self) -> None:
        """Close the log."""
        self._file.close()


class Clients:
    """Several concurrent clients with one request in flight each."""

    def __init__(
        self, urls: Sequence[str], api_key: str, ledger: SubmissionLog, candidates: Iterator[int], pause: float
    ) -> None:
        self._urls, self._api_key = urls, api_key
        self._ledger, self._candidates, self._pause = ledger, candidates, pause
        self.closing = asyncio.Event()
        self.references = asyncio.Queue[str]()
        """References of submitted fees, which `Payers` take from here."""

    async def run(self, at_once: int) -> None:
        """Submit until `closing` is set and each request has its reply."""
        async with http_session(self._api_key) as session:
            await asyncio.gather(*(self._submit_sequentially(session) for _ in range(at_once)))

    async def _submit_sequentially(self, session: aiohttp.ClientSession) -> None:
        while not self.closing.is_set() and (candidate := next(self._candidates, None)) is not None:
            self._ledger.waiting += 1
            self._ledger.note(await self._submit_until_answered(session, registration(candidate)))
            self._ledger.waiting -= 1
            await asyncio.sleep(self._pause * 2 * random.random())

    async def _submit_until_answered(self, session: aiohttp.ClientSession, name: str) -> SubmissionReply:
        command = {"schedule": SCHEDULE, "registration": name}
        heard = await post_until_answered(session, self._urls, "POST", "/v1/exam-fees", command, uuid4().hex)
        if heard.status == 201:
            self.references.put_nowait(heard.body["reference"])
            return SubmissionReply(name, 201, heard.body["reference"])
        return SubmissionReply(name, heard.status, told=str(heard.body))


class Sender:
    """A sender of commands through the broker."""

    def __init__(self, broker: Broker, topic_prefix: str, ledger: SubmissionLog, candidates: Iterator[int]) -> None:
        self._broker, self._topic = broker, topic_prefix + topic_of("fees.commands")
        self._ledger, self._candidates = ledger, candidates
        self.closing = asyncio.Event()

    async def run(self, pause: float) -> None:
        """Send commands until `closing` is set and the last is acknowledged; each can arrive more than once."""
        async with self._broker.producer() as producer:
            while not self.closing.is_set() and (candidate := next(self._candidates, None)) is not None:
                self._ledger.waiting += 1
                await self._submit_until_answered(producer, registration(candidate))
                self._ledger.waiting -= 1
                await asyncio.sleep(pause)

    async def _submit_until_answered(self, producer: Producer, name: str) -> None:
        command = {"schedule": SCHEDULE, "registration": name}
        await send_until_acknowledged(self._broker, producer, self._topic, "SubmitExamFee", name, name, command)
        self._ledger.note(SubmissionReply(name, 201))


def told(folder: Path) -> list[SubmissionReply]:
    """Read the log."""
    return [
        msgspec.json.decode(line, type=SubmissionReply)
        for line in (folder / SUBMISSION_LOG_FILE).read_bytes().splitlines()
    ]

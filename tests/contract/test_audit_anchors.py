"""The contract of `AuditAnchors`, for every adapter that publishes."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from adapters.kafka.audit_anchors import AUDIT_HEADS_TOPIC, KafkaAuditAnchors
from config.container import Application
from config.container.audit import Audit
from config.sections.identity import Audit as AuditSettings
from config.sections.section import Secret
from config.sections.servers import Kafka
from config.settings import Adapters, Settings
from core.audit.chain import Head
from core.audit.signed_head import SignedHead
from core.kernel.errors import Unavailable
from tests.applications import an_application
from tests.containers import free_port
from tests.examples import NOON

KINDS = sorted(Audit.anchors.providers.keys() - {"none"})


def made(kind: Any, path: Path, kafka: Kafka) -> Application:
    audit = AuditSettings(path=str(path), secret=Secret("a secret of more than thirty-two characters"))
    return an_application(Settings(adapters=Adapters(audit_anchors=kind), kafka=kafka, audit=audit))


@pytest.mark.parametrize("kind", KINDS)
async def test_published_heads_come_back_in_order_and_are_genuine(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kafka = request.getfixturevalue("kafka") if kind == "kafka" else Kafka()
    application = made(kind, tmp_path / "heads.jsonl", kafka)
    if kind == "kafka":
        await application.messaging.topics()()
    anchors, signer = application.audit.anchors(), application.audit.signer()
    assert [head async for head in anchors.heads()] == []
    heads = [signer.sign(Head(count, bytes([count]) * 32), NOON) for count in (1, 2, 250)]

    for head in heads:
        await anchors.publish(head)
    found = [head async for head in made(kind, tmp_path / "heads.jsonl", kafka).audit.anchors().heads()]

    assert found == heads
    assert all(signer.is_genuine(head) for head in found)
    forged = SignedHead(count=3, hash=heads[0].hash, at=NOON, signature=heads[0].signature)
    assert not signer.is_genuine(forged)


@pytest.mark.parametrize("kind", KINDS)
async def test_anchors_out_of_reach_are_unavailable(kind: str, tmp_path: Path) -> None:
    application = made(kind, tmp_path / "missing" / "heads.jsonl", Kafka(bootstrap=f"localhost:{free_port()}"))
    head = application.audit.signer().sign(Head(1, bytes(32)), NOON)

    with pytest.raises(Unavailable):
        await application.audit.anchors().publish(head)


async def test_only_the_owner_of_the_file_can_read_the_heads(tmp_path: Path) -> None:
    application = made("file", tmp_path / "heads.jsonl", Kafka())
    await application.audit.anchors().publish(application.audit.signer().sign(Head(1, bytes(32)), NOON))

    assert (tmp_path / "heads.jsonl").stat().st_mode & 0o077 == 0


@contextmanager
def room_for(path: Path, more: int) -> Iterator[None]:
    """Let files grow to the size of this one and some bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 1, 40, -1], ids=["nothing", "one byte", "a part", "all but the line end"])
async def test_a_head_that_a_full_disk_cut_spoils_no_other(tmp_path: Path, room: int) -> None:
    path = tmp_path / "heads.jsonl"
    application = made("file", path, Kafka())
    anchors, signer = application.audit.anchors(), application.audit.signer()
    heads = [signer.sign(Head(count, bytes([count]) * 32), NOON) for count in (1, 2, 3)]
    await anchors.publish(heads[0])
    fits = path.stat().st_size + room if room < 0 else room

    with room_for(path, fits), pytest.raises(Unavailable):
        await anchors.publish(heads[1])
    cut = [head async for head in anchors.heads()]
    for head in heads[1:]:
        await made("file", path, Kafka()).audit.anchors().publish(head)

    assert cut == (heads[:2] if room < 0 else heads[:1])
    found = [head async for head in anchors.heads()]
    assert sorted({head.count for head in found}) == [1, 2, 3]
    assert all(signer.is_genuine(head) for head in found)


async def test_a_line_of_zeros_after_a_power_failure_is_no_head(tmp_path: Path) -> None:
    path = tmp_path / "heads.jsonl"
    application = made("file", path, Kafka())
    head = application.audit.signer().sign(Head(1, bytes(32)), NOON)
    path.write_bytes(bytes(100))
    await application.audit.anchors().publish(head)

    assert [each async for each in application.audit.anchors().heads()] == [head]


async def test_heads_that_a_broker_does_not_send_end_the_reading(kafka: Kafka) -> None:
    application = made("kafka", Path(), kafka)
    await application.messaging.topics()()
    await application.audit.anchors().publish(application.audit.signer().sign(Head(1, bytes(32)), NOON))
    anchors = KafkaAuditAnchors(application.messaging.kafka_connection(), kafka.topic_prefix, timeout_seconds=0.25)
    place = TopicPartition(kafka.topic_prefix + AUDIT_HEADS_TOPIC, 0)
    consumer = AIOKafkaConsumer(**application.messaging.kafka_connection(), auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([place])
        consumer.seek(place, 1)
        async with asyncio.timeout(10):
            with pytest.raises(Unavailable, match=r"at offset 1 of 2: the broker sent nothing for 0\.25 s"):
                await anchors._next(consumer, place, end=2)
    finally:
        await consumer.stop()

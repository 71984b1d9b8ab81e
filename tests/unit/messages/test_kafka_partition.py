import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException, RecordTooLargeError

from core.messaging.message import Message
from entrypoints.messages.kafka_partition import KafkaSource
from entrypoints.messages.partition import UNREADABLE, Partition

PLACE = TopicPartition("bursar.fees.commands.v1", 0)


class OldBroker:
    """A client of a broker before 0.10.1, which returns the beginning of a record that is larger than a fetch.

    Newer brokers return the whole record; the client has moved on when it raises.
    """

    def __init__(self) -> None:
        self.at, self.committed, self.failures = 7, list[int](), 1

    async def getmany(self, *_: Any, **__: Any) -> Mapping[TopicPartition, Sequence[Any]]:
        if self.failures:
            self.failures -= 1
            raise CorruptRecordException("Invalid CRC")
        if self.at == 7:
            self.at = 8
            raise RecordTooLargeError("larger than the fetch size")
        await asyncio.sleep(0)
        return {}

    async def position(self, _: TopicPartition) -> int:
        return self.at

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.committed.append(offsets[PLACE])


async def test_a_record_that_the_client_steps_over_is_reported_before_its_offset_moves() -> None:
    failures = UNREADABLE.labels(PLACE.topic)
    before = failures._value.get()
    client, heard, arrived = OldBroker(), list[Message](), asyncio.Event()

    async def deliver(messages: Sequence[Message]) -> None:
        assert not client.committed
        heard.extend(messages)
        arrived.set()

    partition = Partition(KafkaSource(client, PLACE, "fees.commands"), deliver)
    async with asyncio.timeout(5):
        await arrived.wait()
        while not client.committed:
            await asyncio.sleep(0)
    partition.revoke()
    await asyncio.gather(partition.task, return_exceptions=True)

    assert ([message.origin["offset"] for message in heard], client.committed) == (["7"], [8])
    assert "RecordTooLargeError" in heard[0].malformed
    assert failures._value.get() == before + 1

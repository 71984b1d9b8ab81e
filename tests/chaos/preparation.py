"""A fee office with candidates, before anything goes wrong: schema, topics, roster, one schedule."""

import tomllib
from collections.abc import AsyncIterator

import uvloop
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from config.container import Application, running
from config.settings import check
from core.messaging.message import topic_of
from core.students.roster import rows
from entrypoints.__main__ import ConfiguredRuntime, bundled_schedules
from entrypoints.messages.routes import contexts
from tests.chaos.orders import Order

SCHEDULE = "sahyadri-semester"
PARTITIONS = 3


def registration(number: int) -> str:
    """Return what a candidate is known by."""
    return f"C-{number:06}"


def phone(number: int) -> str:
    """Return the telephone of a candidate, which is nobody else's."""
    return f"+9198{number:08}"


def mailbox(number: int) -> str:
    """Return the mailbox of a candidate, which is nobody else's."""
    return f"c{number}@example.org"


def run(order: Order) -> None:
    """Prepare everything."""
    uvloop.run(prepare(order))


async def prepare(order: Order) -> None:
    """Prepare a database and topics that are there and empty."""
    settings = check(order.settings, order.name)
    async with running(Application(settings=settings, contexts=contexts())) as application:
        office = ConfiguredRuntime(application, settings)
        await office.migrate("head")
        await office.topics()
        await office.use_cases["import_students"]()(rows(roster(order.task["candidates"])))
        await office.use_cases["publish_fee_schedule"]()(tomllib.loads(bundled_schedules()[SCHEDULE]))
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(settings.kafka.topic_prefix + topic_of("chaos"), PARTITIONS, 1)])
    finally:
        await admin.close()


async def roster(candidates: int) -> AsyncIterator[bytes]:
    """Write a roster of candidates who share neither telephone nor mailbox."""
    yield b"registration,name,category,email,phone\n"
    for each in range(candidates):
        yield f"{registration(each)},Asha {each},student,{mailbox(each)},{phone(each)}\n".encode()

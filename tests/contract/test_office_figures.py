"""The promises of the ports that monitoring reads."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from adapters.memory.messaging import outbox as memory_outbox
from adapters.memory.notifications import delivery_figures as memory_figures
from adapters.sql.messaging import backlog as sql_backlog
from adapters.sql.notifications import delivery_figures as sql_figures
from config.container import Application
from config.sections.servers import Kafka
from config.settings import Adapters, Settings
from core.kernel.errors import Unavailable
from core.messaging.dead_letters import DeadLetterState
from core.notifications.delivery import Channel, DeliveryState
from core.notifications.delivery_figures import WAITING_STATES
from entrypoints.routes import ROUTES
from tests.contract.test_dead_letters import bury, settle
from tests.contract.test_in_doubt_deliveries import add, save
from tests.examples import NOON, a_delivery, a_message, a_submission, unpublished
from tests.units_of_work import any_work

HOUR = timedelta(hours=1)


async def figures(application: Application) -> dict[tuple[str, str], tuple[int, object]]:
    found = await application.notifications.delivery_figures().waiting()
    assert {(each.state, each.channel) for each in found} == {(s, c) for s in WAITING_STATES for c in Channel}
    return {(each.state, each.channel): (each.count, each.oldest) for each in found if each.count}


async def test_waiting_deliveries_are_counted_with_the_oldest(stored: Application) -> None:
    assert await figures(stored) == {}
    late, later = a_delivery(due_at=NOON - HOUR), a_delivery(due_at=NOON + HOUR)
    unknown = a_delivery(Channel.SMS, state=DeliveryState.UNKNOWN, due_at=NOON)
    settled = [a_delivery(state=state) for state in DeliveryState if state not in WAITING_STATES]
    await add(stored, late, later, unknown, a_delivery(Channel.SMS, state=DeliveryState.UNKNOWN, due_at=NOON), *settled)

    assert await figures(stored) == {("pending", "email"): (2, NOON - HOUR), ("unknown", "sms"): (2, NOON)}

    unknown.in_doubt_since = NOON - 30 * HOUR
    await save(stored, unknown)
    assert (await figures(stored))["unknown", "sms"] == (2, NOON - 30 * HOUR)


async def test_no_more_are_counted_than_is_cheap(stored: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (memory_figures, sql_figures):
        monkeypatch.setattr(module, "MAX_COUNTED_DELIVERIES", 3)
    for module in (memory_outbox, sql_backlog):
        monkeypatch.setattr(module, "MAX_COUNTED_EVENTS", 3)
        monkeypatch.setattr(module, "MAX_COUNTED_LETTERS", 3)
    backlog, counts = stored.messaging.backlog(), list[tuple[int, int, int]]()
    for _ in range(4):
        await add(stored, a_delivery())
        await bury(stored, a_message())
        async with any_work(stored) as work:
            work.record(a_submission()[1])
            await work.commit()
        waiting = len(await unpublished(stored))
        counted = (await backlog.snapshot()).waiting
        assert counted == min(waiting, 3)
        counts.append(((await figures(stored))["pending", "email"][0], counted, await backlog.buried()))

    assert [(deliveries, letters) for deliveries, _, letters in counts] == [(1, 1), (2, 2), (3, 3), (3, 3)]


async def test_only_dead_letters_that_wait_for_a_decision_count(stored: Application) -> None:
    letters = [a_message() for _ in range(3)]
    await bury(stored, *letters)
    await settle(stored, letters[0].id)
    await settle(stored, letters[1].id, DeadLetterState.DROPPED)

    assert await stored.messaging.backlog().buried() == 1


async def test_the_lag_is_what_the_group_has_not_committed(application: Application) -> None:
    lag, kafka = application.messaging.consumer_lag(), application.settings().kafka
    if application.settings().adapters.events == "embedded":
        assert await lag.by_topic() == {}
        return
    async with asyncio.timeout(30):
        found: dict[str, int] = {}
        while not found:  # a new broker creates the topic of offsets first
            with suppress(Unavailable):
                found = dict(await lag.by_topic())
    assert set(found.values()) == {0}
    await application.messaging.publisher().publish([a_message() for _ in range(12)])
    topic = next(name for name, behind in (await lag.by_topic()).items() if behind)
    assert (await lag.by_topic())[topic] == 12
    if application.settings().adapters.events == "rabbitmq":
        return  # tests/integration/test_rabbitmq_consumer.py acknowledges some of them

    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=kafka.group, enable_auto_commit=False)
    await consumer.start()
    ends = await consumer.end_offsets([TopicPartition(topic, number) for number in range(kafka.partitions)])
    place = max(ends, key=lambda each: ends[each])
    consumer.assign([place])
    await consumer.commit({place: ends[place] - 1})
    await consumer.stop()

    assert (await lag.by_topic())[topic] == 12 - ends[place] + 1


async def test_a_broker_that_is_away_tells_no_lag() -> None:
    settings = Settings(adapters=Adapters(events="kafka"), kafka=Kafka(bootstrap="localhost:1"))

    with pytest.raises(Unavailable, match="localhost:1"):
        await Application(settings=settings, routes=ROUTES).messaging.consumer_lag().by_topic()

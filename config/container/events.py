"""What travels between contexts and processes, and what is remembered of it."""

from datetime import timedelta

from dependency_injector import providers

from adapters.embedded.broker import EmbeddedBroker
from adapters.memory.dead_letters import MemoryDeadLetterList
from adapters.memory.event_log import MemoryEventLog
from adapters.memory.messages import MemoryAnswers, MemoryInbox, MemoryOutbox, MemoryRetention
from adapters.memory.probe import InProcessProbe
from config.container.basics import CONSUMER
from config.container.building import lazily, stored
from config.container.storage import Storage
from config.settings import Retention
from core.messaging.retention import RetainedRecords

settings, contexts, persistence = Storage.settings, Storage.contexts, Storage.persistence
clock, ids, signals, holder = Storage.clock, Storage.ids, Storage.signals, Storage.holder
store, database, sql_work = Storage.store, Storage.database, Storage.sql_work


def how_long(retention: Retention) -> dict[RetainedRecords, timedelta]:
    """Return how long each thing is remembered."""
    return {
        RetainedRecords.REQUESTS: timedelta(hours=retention.requests_hours),
        RetainedRecords.INBOX: timedelta(days=retention.inbox_days),
    }


class Events(Storage):
    """The broker, and both ends of every message's way."""

    broker = providers.Singleton(EmbeddedBroker)
    publisher = providers.Selector(
        settings.provided.adapters.events,
        kafka=providers.Singleton(
            lazily("adapters.kafka.publisher", "KafkaPublisher"),
            bootstrap=settings.provided.kafka.bootstrap,
            topic_prefix=settings.provided.kafka.topic_prefix,
        ),
        embedded=broker,
    )
    events_probe = providers.Selector(
        settings.provided.adapters.events,
        kafka=providers.Singleton(
            lazily("adapters.kafka.probe", "KafkaProbe"),
            bootstrap=settings.provided.kafka.bootstrap,
            topic_prefix=settings.provided.kafka.topic_prefix,
            contexts=contexts,
        ),
        embedded=providers.Singleton(InProcessProbe, name="events (embedded)"),
    )
    topics = providers.Factory(
        lazily("adapters.kafka.topics", "KafkaTopics"),
        bootstrap=settings.provided.kafka.bootstrap,
        topic_prefix=settings.provided.kafka.topic_prefix,
        partitions=settings.provided.kafka.partitions,
        replicas=settings.provided.kafka.replicas,
        commands_days=settings.provided.kafka.commands_days,
        events_days=settings.provided.kafka.events_days,
        contexts=contexts,
    )

    new_inbox = stored(
        persistence,
        sql=providers.Factory(
            lazily("adapters.sql.inbox", "SqlInbox"),
            consumer=CONSUMER,
            transaction=database.provided.transaction,
            new_part=sql_work.provider,
            committed=signals.provided.ring,
            clock=clock,
        ),
        memory=providers.Factory(
            MemoryInbox, consumer=CONSUMER, store=store, committed=signals.provided.ring, clock=clock, ids=ids
        ),
    )
    dead_letter_list = stored(
        persistence,
        sql=providers.Singleton(
            lazily("adapters.sql.dead_letter_list", "SqlDeadLetterList"), consumer=CONSUMER, database=database
        ),
        memory=providers.Singleton(MemoryDeadLetterList, consumer=CONSUMER, store=store),
    )
    event_log = stored(
        persistence,
        sql=providers.Singleton(
            lazily("adapters.sql.event_log", "SqlEventLog"), consumer=CONSUMER, database=database, clock=clock, ids=ids
        ),
        memory=providers.Singleton(MemoryEventLog, consumer=CONSUMER, store=store, ids=ids),
    )
    memory_outbox = providers.Singleton(MemoryOutbox, store=store, clock=clock)
    backlog = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.backlog", "SqlBacklog"), database=database),
        memory=memory_outbox,
    )
    outbox = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.outbox", "SqlOutbox"), database=database, holder=holder),
        memory=memory_outbox,
    )

    keep = providers.Callable(how_long, settings.provided.retention)
    retention = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.retention", "SqlRetention"), database=database),
        memory=providers.Singleton(MemoryRetention, store=store),
    )
    answers = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.answers", "SqlAnswers"), database=database),
        memory=providers.Singleton(MemoryAnswers, store=store),
    )

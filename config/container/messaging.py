"""Builds the broker, outbox, inbox, dead letters, projections, and the use cases of messaging."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from dependency_injector import containers, providers

from adapters.embedded.broker import EmbeddedBroker
from adapters.embedded.consumer_lag import EmbeddedConsumerLag
from adapters.memory.engine.probe import InProcessProbe
from adapters.memory.log_records import MemoryLogSnapshots, MemoryRecordStore
from adapters.memory.messaging.answers import MemoryAnswers
from adapters.memory.messaging.dead_letters import MemoryDeadLetterList
from adapters.memory.messaging.event_log import MemoryEventLog
from adapters.memory.messaging.figures import MemoryOfficeFigures
from adapters.memory.messaging.inbox import MemoryInbox
from adapters.memory.messaging.outbox import MemoryOutbox
from adapters.memory.messaging.projections import MemoryEventHistory, MemoryProjections
from adapters.memory.messaging.retention import MemoryRetention
from config.container.process import CONSUMER, Process
from config.container.providers import configured, given, lazy_imports, stored
from config.container.providers import use_cases as use_cases_of
from config.container.storage import Storage
from config.container.traces import traced
from config.sections.office import Retention
from core.identity.pending_sign_in import LIFETIME
from core.identity.session import AFTER_EXPIRY
from core.messaging.retention import RetainedRecords
from core.messaging.use_cases import MessagingUseCases

with lazy_imports():
    from adapters.kafka.connection import client_arguments
    from adapters.kafka.consumer_lag import KafkaConsumerLag
    from adapters.kafka.offsets import KafkaOffsets
    from adapters.kafka.probe import KafkaProbe
    from adapters.kafka.publisher import KafkaPublisher
    from adapters.kafka.topics import KafkaTopics
    from adapters.rabbitmq.connection import rabbitmq
    from adapters.rabbitmq.consumer_lag import RabbitMQConsumerLag
    from adapters.rabbitmq.names import queues_of
    from adapters.rabbitmq.probe import RabbitMQProbe
    from adapters.rabbitmq.publisher import RabbitMQPublisher
    from adapters.rabbitmq.topics import RabbitMQTopics
    from adapters.sql.figures import SqlOfficeFigures
    from adapters.sql.inventory.stock_projection import projection_tables
    from adapters.sql.log_records import SqlLogSnapshots, SqlRecordStore
    from adapters.sql.messaging.answers import SqlAnswers
    from adapters.sql.messaging.backlog import SqlBacklog
    from adapters.sql.messaging.dead_letter_list import SqlDeadLetterList
    from adapters.sql.messaging.event_log import SqlEventLog
    from adapters.sql.messaging.inbox import SqlInbox
    from adapters.sql.messaging.outbox import SqlOutbox
    from adapters.sql.messaging.projections import SqlEventHistory, SqlProjections
    from adapters.sql.messaging.retention import SqlRetention
    from adapters.telemetry.traced import TracedPublisher, traced_consumer


def periods(retention: Retention) -> dict[RetainedRecords, timedelta]:
    """Return the retention period of each kind of record."""
    return {
        RetainedRecords.REQUESTS: timedelta(hours=retention.requests_hours),
        RetainedRecords.INBOX: timedelta(days=retention.inbox_days),
        RetainedRecords.SIGN_INS: LIFETIME,
        RetainedRecords.SESSIONS: AFTER_EXPIRY,
        RetainedRecords.LINKS: timedelta(0),
        RetainedRecords.SECRETS: timedelta(0),
        RetainedRecords.WEBHOOKS: timedelta(days=retention.webhooks_days),
    }


async def nothing_to_rewind(_moment: datetime) -> Mapping[str, int]:
    """Return no partition: embedded events have no offsets, and RabbitMQ keeps no acknowledged message."""
    return {}


class Messaging(containers.DeclarativeContainer):
    """Publication and consumption of messages, and the records of both."""

    process = given(Process)
    storage = given(Storage)
    all_use_cases: providers.Dependency[Any] = providers.Dependency()
    """Returns the use cases of every context: replays and rebuilds call them."""

    settings, persistence, routes = process.settings.provided, process.persistence, process.routes
    database, memory, clock, ids = storage.database, storage.memory, process.clock, process.ids

    kafka_connection = providers.Singleton(configured(client_arguments), settings.kafka)
    rabbitmq_server = providers.Singleton(configured(rabbitmq), settings.rabbitmq)
    rabbitmq_prefix, rabbitmq_partitions = settings.rabbitmq.topic_prefix, settings.rabbitmq.partitions
    rabbitmq_queues = providers.Callable(queues_of, rabbitmq_prefix, rabbitmq_partitions)
    broker = providers.Singleton(EmbeddedBroker)
    publisher = providers.Selector(
        settings.adapters.events,
        kafka=providers.Singleton(
            KafkaPublisher, connection=kafka_connection, topic_prefix=settings.kafka.topic_prefix
        ),
        rabbitmq=providers.Singleton(RabbitMQPublisher, server=rabbitmq_server, topic_prefix=rabbitmq_prefix),
        embedded=broker,
    )
    traced_publisher = providers.Singleton(traced, TracedPublisher, publisher, process.tracer)
    traced_consumer: providers.Callable[Any] = providers.Callable(traced, traced_consumer, tracer=process.tracer)
    events_probe = providers.Selector(
        settings.adapters.events,
        kafka=providers.Singleton(
            KafkaProbe,
            connection=kafka_connection,
            topic_prefix=settings.kafka.topic_prefix,
            contexts=routes.provided.contexts,
            serve=settings.serve,
        ),
        rabbitmq=providers.Singleton(
            RabbitMQProbe,
            server=rabbitmq_server,
            topic_prefix=rabbitmq_prefix,
            contexts=routes.provided.contexts,
            serve=settings.serve,
        ),
        embedded=providers.Singleton(InProcessProbe, name="events (embedded)"),
    )
    kafka_topics = providers.Factory(
        KafkaTopics,
        connection=kafka_connection,
        topic_prefix=settings.kafka.topic_prefix,
        partitions=settings.kafka.partitions,
        replicas=settings.kafka.replicas,
        commands_days=settings.kafka.commands_days,
        events_days=settings.kafka.events_days,
        contexts=routes.provided.contexts,
    )
    topics = providers.Selector(
        settings.adapters.events,
        kafka=kafka_topics,
        rabbitmq=providers.Factory(
            RabbitMQTopics,
            server=rabbitmq_server,
            topic_prefix=rabbitmq_prefix,
            partitions=rabbitmq_partitions,
            replicas=settings.rabbitmq.replicas,
            messages_days=settings.rabbitmq.messages_days,
            contexts=routes.provided.contexts,
        ),
        embedded=kafka_topics,  # audit heads can go to Kafka while events do not
    )

    rewind = providers.Selector(
        settings.adapters.events,
        kafka=providers.Singleton(
            KafkaOffsets,
            connection=kafka_connection,
            topic_prefix=settings.kafka.topic_prefix,
            group=settings.kafka.group,
            contexts=routes.provided.consumed_contexts,
        ),
        rabbitmq=providers.Object(nothing_to_rewind),
        embedded=providers.Object(nothing_to_rewind),
    )

    memory_outbox = providers.Singleton(MemoryOutbox, memory, clock)
    outbox = stored(persistence, sql=providers.Singleton(SqlOutbox, database, process.name), memory=memory_outbox)
    backlog = stored(persistence, sql=providers.Singleton(SqlBacklog, CONSUMER, database), memory=memory_outbox)
    consumer_lag = providers.Selector(
        settings.adapters.events,
        kafka=providers.Singleton(
            KafkaConsumerLag,
            connection=kafka_connection,
            topic_prefix=settings.kafka.topic_prefix,
            group=settings.kafka.group,
            contexts=routes.provided.consumed_contexts,
        ),
        rabbitmq=providers.Singleton(
            RabbitMQConsumerLag,
            server=rabbitmq_server,
            topic_prefix=rabbitmq_prefix,
            contexts=routes.provided.consumed_contexts,
            partitions=rabbitmq_partitions,
        ),
        embedded=providers.Singleton(EmbeddedConsumerLag),
    )
    figures = stored(
        persistence,
        sql=providers.Singleton(SqlOfficeFigures, database),
        memory=providers.Singleton(MemoryOfficeFigures, memory),
    )
    new_inbox = stored(
        persistence,
        sql=providers.Factory(SqlInbox, CONSUMER, database, process.signals.provided.notify, clock),
        memory=providers.Factory(MemoryInbox, CONSUMER, memory, clock),
    )
    dead_letter_list = stored(
        persistence,
        sql=providers.Singleton(SqlDeadLetterList, CONSUMER, database),
        memory=providers.Singleton(MemoryDeadLetterList, CONSUMER, memory),
    )
    event_log = stored(
        persistence,
        sql=providers.Singleton(SqlEventLog, CONSUMER, database, clock, ids),
        memory=providers.Singleton(MemoryEventLog, CONSUMER, memory, ids),
    )
    event_history = stored(
        persistence,
        sql=providers.Singleton(SqlEventHistory, database),
        memory=providers.Singleton(MemoryEventHistory, memory),
    )
    projections = stored(
        persistence,
        sql=providers.Singleton(SqlProjections, database, providers.Callable(projection_tables)),
        memory=providers.Singleton(MemoryProjections, memory, clock),
    )
    log_snapshots = stored(
        persistence,
        sql=providers.Singleton(SqlLogSnapshots, CONSUMER, database),
        memory=providers.Singleton(MemoryLogSnapshots, CONSUMER, memory),
    )
    record_store = stored(
        persistence,
        sql=providers.Singleton(SqlRecordStore, database, storage.new_work.provider),
        memory=providers.Singleton(MemoryRecordStore, memory, storage.new_work.provider),
    )
    answers = stored(
        persistence,
        sql=providers.Singleton(SqlAnswers, database),
        memory=providers.Singleton(MemoryAnswers, memory),
    )
    retention = stored(
        persistence,
        sql=providers.Singleton(SqlRetention, database),
        memory=providers.Singleton(MemoryRetention, memory),
    )
    retention_periods = providers.Callable(periods, settings.retention)

    use_cases = use_cases_of(
        MessagingUseCases,
        storage.refusals,
        new_work=storage.new_work,
        new_inbox=new_inbox,
        dead_letters=dead_letter_list,
        log=event_log,
        history=event_history,
        projections=projections,
        snapshots=log_snapshots,
        store=record_store,
        retention=retention,
        retention_periods=retention_periods,
        consumer=CONSUMER,
        routes=routes,
        use_cases=all_use_cases,
        clock=clock,
        ids=ids,
    )

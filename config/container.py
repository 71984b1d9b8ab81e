"""The composition root: the only place where a port meets an adapter."""

import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from datetime import timedelta
from importlib import import_module
from typing import Any

from dependency_injector import containers, providers

from adapters.console.senders import ConsoleEmailSender, ConsoleSmsSender
from adapters.embedded.broker import EmbeddedBroker
from adapters.encoding import MsgspecScheduleFormat
from adapters.memory.cache import MemoryCache
from adapters.memory.deliveries import MemoryQueue
from adapters.memory.fees import MemoryExamFees, MemoryTariffs
from adapters.memory.messages import MemoryAnswers, MemoryInbox, MemoryOutbox, MemoryRetention
from adapters.memory.probe import InProcess
from adapters.memory.store import Store
from adapters.memory.students import MemoryCandidates, MemoryContacts
from adapters.memory.unit_of_work import MemoryUnitOfWork
from adapters.memory.vendors import MemoryVendorReports
from adapters.sandbox.senders import SandboxEmailSender, SandboxSmsSender
from adapters.sql.answers import SqlAnswers
from adapters.sql.database import mysql, sqlite
from adapters.sql.deliveries import SqlQueue
from adapters.sql.exam_fees import SqlExamFees
from adapters.sql.fees import SqlTariffs
from adapters.sql.inbox import SqlInbox
from adapters.sql.outbox import SqlBacklog, SqlOutbox
from adapters.sql.retention import SqlRetention
from adapters.sql.students import SqlCandidates, SqlContacts
from adapters.sql.unit_of_work import SqlUnitOfWork
from adapters.sql.vendors import SqlVendorReports
from adapters.system.clock import SystemClock, TimeOrderedIds
from adapters.system.reach import Reach
from adapters.system.sole_use import sole_use, turn
from adapters.telemetry.logs import set_up_logs
from adapters.telemetry.observed import observed
from config.settings import Retention, Settings
from core.fees.list_exam_fees import ListExamFees
from core.fees.list_fee_schedules import ListFeeSchedules
from core.fees.publish_fee_schedule import PublishFeeSchedule
from core.fees.quote_exam_fee import QuoteExamFee
from core.fees.refuse_exam_fee import RefuseExamFee
from core.fees.show_exam_fee import ShowExamFee
from core.fees.submit_exam_fee import SubmitExamFee
from core.notifications.abandon_deliveries import AbandonDeliveries
from core.notifications.delivery import Channel
from core.notifications.dispatch_deliveries import DispatchDeliveries
from core.notifications.journal import Journal
from core.notifications.list_vendors import ListVendors
from core.notifications.notify_student import NotifyStudent
from core.notifications.report_vendors import ReportVendors
from core.shared.forget_old_messages import ForgetOldMessages
from core.shared.retention import Memory
from core.shared.signals import Signals
from core.students.find_student import FindStudent
from core.students.import_students import ImportStudents

SHARED_SECONDS, OWN_SECONDS = 60, 2
"""How long a cache remembers; one of this process alone hears of no change elsewhere, so only for a moment."""
CONSUMER = "bursar"
"""Whose inbox it is."""


async def nothing_to_migrate(_target: str = "head") -> str:
    """Return the version of what has no schema."""
    return "none"


def lazily(module: str, name: str) -> Callable[..., Any]:
    """Import an adapter when it is first built: a process pays for what its configuration names."""

    def build(*arguments: Any, **named: Any) -> Any:
        return getattr(import_module(module), name)(*arguments, **named)

    return build


def long_enough(settings: Settings) -> timedelta:
    """Return longer than vendors can be asked on behalf of one delivery, waits and retries included."""
    vendors = max(len(settings.adapters.email), len(settings.adapters.sms))
    one_call = settings.resilience.deadline_seconds + 5
    return timedelta(seconds=60 + 2 * vendors * settings.resilience.tries * one_call)


def how_long(retention: Retention) -> dict[Memory, timedelta]:
    """Return how long each thing is remembered."""
    return {
        Memory.REQUESTS: timedelta(hours=retention.requests_hours),
        Memory.INBOX: timedelta(days=retention.inbox_days),
    }


def divided(seconds: float, parts: int) -> float:
    """Return one part of a time."""
    return seconds / parts


def who_we_are() -> str:
    """Return a name that no other process has had or will have."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"


def stored(
    settings: providers.Dependency[Settings], *, sql: providers.Provider[Any], memory: providers.Provider[Any]
) -> providers.Selector[Any]:
    """Choose how something is stored: one code for both databases, one without any."""
    return providers.Selector(settings.provided.adapters.persistence, mysql=sql, sqlite=sql, memory=memory)


class Driven(containers.DeclarativeContainer):
    """The switchboard: for each port, every adapter that can stand behind it."""

    settings = providers.Dependency(instance_of=Settings)

    logs = providers.Callable(
        set_up_logs, form=settings.provided.telemetry.logs, level=settings.provided.telemetry.level
    )
    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(TimeOrderedIds)
    signals = providers.Singleton(Signals)
    journal = providers.Singleton(Journal)

    # A letter takes several steps: one that hangs must be noticed before the deadline makes the outcome unknown.
    one_step = providers.Callable(divided, settings.provided.resilience.deadline_seconds, 4)
    email_vendors: providers.Aggregate[Any] = providers.Aggregate(
        ses=providers.Singleton(
            lazily("adapters.ses.email", "SesEmailSender"),
            region=settings.provided.ses.region,
            url=settings.provided.ses.url,
            access_key_id=settings.provided.ses.access_key_id,
            secret_access_key=settings.provided.ses.secret_access_key.reveal.call(),
            sender=settings.provided.ses.sender,
            timeout=settings.provided.resilience.deadline_seconds,
        ),
        smtp=providers.Singleton(
            lazily("adapters.smtp.email", "SmtpEmailSender"),
            host=settings.provided.smtp.host,
            port=settings.provided.smtp.port,
            tls=settings.provided.smtp.tls,
            ca_file=settings.provided.smtp.ca_file,
            user=settings.provided.smtp.user,
            password=settings.provided.smtp.password.reveal.call(),
            sender=settings.provided.smtp.sender,
            connections=settings.provided.smtp.connections,
            timeout=one_step,
        ),
        console=providers.Singleton(ConsoleEmailSender),
        sandbox=providers.Singleton(
            SandboxEmailSender,
            record=settings.provided.sandbox.record,
            failing_percent=settings.provided.sandbox.failing_percent,
        ),
    )
    sms_vendors: providers.Aggregate[Any] = providers.Aggregate(
        twilio=providers.Singleton(
            lazily("adapters.twilio.sms", "TwilioSmsSender"),
            url=settings.provided.twilio.url,
            account_sid=settings.provided.twilio.account_sid,
            auth_token=settings.provided.twilio.auth_token.reveal.call(),
            sender=settings.provided.twilio.sender,
            timeout=settings.provided.resilience.deadline_seconds,
        ),
        console=providers.Singleton(ConsoleSmsSender),
        sandbox=providers.Singleton(
            SandboxSmsSender,
            record=settings.provided.sandbox.record,
            failing_percent=settings.provided.sandbox.failing_percent,
        ),
    )
    vendor_policy = providers.Singleton(
        lazily("adapters.resilience.policy", "Policy"),
        deadline_seconds=settings.provided.resilience.deadline_seconds,
        concurrency=settings.provided.resilience.concurrency,
        ramp_seconds=settings.provided.resilience.ramp_seconds,
        tries=settings.provided.resilience.tries,
        retry_base_seconds=settings.provided.resilience.retry_base_seconds,
        retry_budget_percent=settings.provided.resilience.retry_budget_percent,
        window_seconds=settings.provided.resilience.window_seconds,
        failure_percent=settings.provided.resilience.failure_percent,
        minimum_calls=settings.provided.resilience.minimum_calls,
        slow_seconds=settings.provided.resilience.slow_seconds,
        open_seconds=settings.provided.resilience.open_seconds,
    )
    templates = providers.Singleton(lazily("adapters.jinja.templates", "JinjaTemplates"))
    email = providers.Singleton(
        lazily("adapters.resilience.chain", "resilient"),
        channel=Channel.EMAIL,
        vendor=email_vendors.provider,
        names=settings.provided.adapters.email,
        policy=vendor_policy,
        clock=clock,
        journal=journal,
    )
    sms = providers.Singleton(
        lazily("adapters.resilience.chain", "resilient"),
        channel=Channel.SMS,
        vendor=sms_vendors.provider,
        names=settings.provided.adapters.sms,
        policy=vendor_policy,
        clock=clock,
        journal=journal,
    )

    cache = providers.Selector(
        settings.provided.adapters.cache,
        redis=providers.Singleton(
            lazily("adapters.redis.cache", "RedisCache"),
            url=settings.provided.redis.url.reveal.call(),
            seconds=SHARED_SECONDS,
            prefix=settings.provided.redis.prefix,
        ),
        memory=providers.Singleton(MemoryCache, clock=clock, seconds=OWN_SECONDS),
    )
    cache_probe = providers.Selector(
        settings.provided.adapters.cache,
        redis=providers.Singleton(
            lazily("adapters.redis.cache", "RedisProbe"), url=settings.provided.redis.url.reveal.call()
        ),
        memory=providers.Singleton(InProcess, name="cache (memory)"),
    )

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
        ),
        embedded=providers.Singleton(InProcess, name="events (embedded)"),
    )
    topics = providers.Factory(
        lazily("adapters.kafka.topics", "KafkaTopics"),
        bootstrap=settings.provided.kafka.bootstrap,
        topic_prefix=settings.provided.kafka.topic_prefix,
        partitions=settings.provided.kafka.partitions,
        replicas=settings.provided.kafka.replicas,
        commands_days=settings.provided.kafka.commands_days,
    )

    schedule_format = providers.Singleton(MsgspecScheduleFormat)
    store = providers.Singleton(Store)
    database = providers.Selector(
        settings.provided.adapters.persistence,
        mysql=providers.Singleton(
            mysql,
            host=settings.provided.mysql.host,
            port=settings.provided.mysql.port,
            database=settings.provided.mysql.database,
            user=settings.provided.mysql.user,
            password=settings.provided.mysql.password.reveal.call(),
            connections=settings.provided.mysql.connections,
        ),
        sqlite=providers.Singleton(sqlite, path=settings.provided.sqlite.path),
        memory=store,
    )

    provisioning = providers.Selector(
        settings.provided.adapters.persistence,
        mysql=providers.Factory(nullcontext),
        sqlite=providers.Factory(turn, path=settings.provided.sqlite.path),
        memory=providers.Factory(nullcontext),
    )
    sole_use = providers.Selector(
        settings.provided.adapters.persistence,
        mysql=providers.Factory(nullcontext),
        sqlite=providers.Factory(sole_use, path=settings.provided.sqlite.path),
        memory=providers.Factory(nullcontext),
    )
    migrate = stored(
        settings,
        sql=providers.Callable(lazily("adapters.sql.migrate", "migrate"), database),
        memory=providers.Callable(nothing_to_migrate),
    )

    sql_work = providers.Factory(
        SqlUnitOfWork,
        begin=database.provided.transaction,
        committed=signals.provided.ring,
        schedule_format=schedule_format,
        clock=clock,
        ids=ids,
    )
    memory_work = providers.Factory(
        MemoryUnitOfWork, store=store, committed=signals.provided.ring, clock=clock, ids=ids
    )
    new_work = stored(settings, sql=sql_work, memory=memory_work)
    inbox = stored(
        settings,
        sql=providers.Factory(
            SqlInbox,
            consumer=CONSUMER,
            begin=database.provided.transaction,
            new_part=sql_work.provider,
            committed=signals.provided.ring,
            clock=clock,
        ),
        memory=providers.Factory(
            MemoryInbox, consumer=CONSUMER, store=store, committed=signals.provided.ring, clock=clock, ids=ids
        ),
    )
    delivery_lease = providers.Callable(long_enough, settings)
    keep = providers.Callable(how_long, settings.provided.retention)
    holder = providers.Singleton(who_we_are)
    memory_outbox = providers.Singleton(MemoryOutbox, store=store, clock=clock)
    backlog = stored(settings, sql=providers.Singleton(SqlBacklog, database=database), memory=memory_outbox)
    outbox = stored(
        settings,
        sql=providers.Singleton(SqlOutbox, database=database, holder=holder),
        memory=memory_outbox,
    )
    retention = stored(
        settings,
        sql=providers.Singleton(SqlRetention, database=database),
        memory=providers.Singleton(MemoryRetention, store=store),
    )
    answers = stored(
        settings,
        sql=providers.Singleton(SqlAnswers, database=database),
        memory=providers.Singleton(MemoryAnswers, store=store),
    )
    tariffs = stored(
        settings,
        sql=providers.Singleton(SqlTariffs, database=database, cache=cache, schedule_format=schedule_format),
        memory=providers.Singleton(MemoryTariffs, store=store),
    )
    candidates = stored(
        settings,
        sql=providers.Singleton(SqlCandidates, database=database),
        memory=providers.Singleton(MemoryCandidates, store=store),
    )
    contacts = stored(
        settings,
        sql=providers.Singleton(SqlContacts, database=database),
        memory=providers.Singleton(MemoryContacts, store=store),
    )
    vendor_reports = stored(
        settings,
        sql=providers.Singleton(SqlVendorReports, database=database),
        memory=providers.Singleton(MemoryVendorReports),
    )
    queue = stored(
        settings,
        sql=providers.Singleton(SqlQueue, database=database),
        memory=providers.Singleton(MemoryQueue, store=store),
    )
    exam_fees = stored(
        settings,
        sql=providers.Singleton(SqlExamFees, database=database),
        memory=providers.Singleton(MemoryExamFees, store=store),
    )
    persistence_probe = stored(
        settings,
        sql=providers.Singleton(
            lazily("adapters.sql.probe", "SqlProbe"), name=settings.provided.adapters.persistence, database=database
        ),
        memory=providers.Singleton(InProcess, name="persistence (memory)"),
    )
    probes = providers.List(persistence_probe, events_probe, cache_probe)
    vendor_probes = providers.Dict(
        ses=providers.Singleton(
            Reach.url, "e-mail (ses)", settings.provided.ses.address, "correct ses.region or ses.url"
        ),
        smtp=providers.Singleton(
            Reach, "e-mail (smtp)", settings.provided.smtp.host, settings.provided.smtp.port, "correct smtp.host"
        ),
        twilio=providers.Singleton(Reach.url, "SMS (twilio)", settings.provided.twilio.url, "correct twilio.url"),
    )


class UseCases(containers.DeclarativeContainer):
    """What the application can do, with every port filled."""

    driven = providers.DependenciesContainer()

    publish_fee_schedule = providers.Factory(
        observed,
        PublishFeeSchedule,
        new_work=driven.new_work.provider,
        tariffs=driven.tariffs,
        schedule_format=driven.schedule_format,
        clock=driven.clock,
    )
    list_fee_schedules = providers.Factory(observed, ListFeeSchedules, tariffs=driven.tariffs)
    quote_exam_fee = providers.Factory(observed, QuoteExamFee, tariffs=driven.tariffs, candidates=driven.candidates)
    submit_exam_fee = providers.Factory(
        observed,
        SubmitExamFee,
        new_work=driven.new_work.provider,
        tariffs=driven.tariffs,
        candidates=driven.candidates,
        clock=driven.clock,
        ids=driven.ids,
    )
    refuse_exam_fee = providers.Factory(
        observed, RefuseExamFee, new_work=driven.new_work.provider, clock=driven.clock, ids=driven.ids
    )
    show_exam_fee = providers.Factory(observed, ShowExamFee, exam_fees=driven.exam_fees)
    list_exam_fees = providers.Factory(observed, ListExamFees, exam_fees=driven.exam_fees, candidates=driven.candidates)
    import_students = providers.Factory(observed, ImportStudents, new_work=driven.new_work.provider, ids=driven.ids)
    find_student = providers.Factory(observed, FindStudent, new_work=driven.new_work.provider)
    notify_student = providers.Factory(
        observed, NotifyStudent, new_work=driven.new_work.provider, clock=driven.clock, ids=driven.ids
    )
    dispatch_deliveries = providers.Factory(
        observed,
        DispatchDeliveries,
        new_work=driven.new_work.provider,
        queue=driven.queue,
        signals=driven.signals,
        lease=driven.delivery_lease,
        contacts=driven.contacts,
        templates=driven.templates,
        email=driven.email,
        sms=driven.sms,
        journal=driven.journal,
        clock=driven.clock,
    )
    forget_old_messages = providers.Factory(
        observed,
        ForgetOldMessages,
        retention=driven.retention,
        keep=driven.keep,
        clock=driven.clock,
    )
    report_vendors = providers.Factory(
        observed,
        ReportVendors,
        email=driven.email,
        sms=driven.sms,
        reports=driven.vendor_reports,
        process=driven.holder,
    )
    list_vendors = providers.Factory(observed, ListVendors, reports=driven.vendor_reports, clock=driven.clock)
    abandon_deliveries = providers.Factory(
        observed, AbandonDeliveries, new_work=driven.new_work.provider, clock=driven.clock
    )


class Application(containers.DeclarativeContainer):
    """Settings go in, use cases come out."""

    settings = providers.Dependency(instance_of=Settings)
    driven = providers.Container(Driven, settings=settings)
    use_cases = providers.Container(UseCases, driven=driven)


@asynccontextmanager
async def running(application: Application) -> AsyncIterator[Application]:
    """Let go of every connection at the end; they are made when they are first needed."""
    application.check_dependencies()
    driven = application.driven
    driven.logs()
    adapters = application.settings().adapters
    held = [driven.publisher(), driven.cache(), driven.database()]
    held += [driven.email_vendors(name) for name in adapters.email] + [
        driven.sms_vendors(name) for name in adapters.sms
    ]
    async with AsyncExitStack() as stack:
        for each in held:
            if hasattr(each, "close"):
                stack.push_async_callback(each.close)
        yield application

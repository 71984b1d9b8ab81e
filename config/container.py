"""The composition root: the only place where a port meets an adapter."""

import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import MISSING, fields
from datetime import timedelta
from functools import cache
from importlib import import_module
from typing import Any

import msgspec
from dependency_injector import containers, providers

from adapters.console.senders import ConsoleEmailSender, ConsoleSmsSender
from adapters.embedded.broker import EmbeddedBroker
from adapters.encoding import MsgspecScheduleFormat
from adapters.memory.cache import MemoryCache
from adapters.memory.cases import MemoryDeliveryList
from adapters.memory.dead_letters import MemoryDeadLetterOffice
from adapters.memory.deliveries import MemoryQueue
from adapters.memory.event_log import MemoryEventLog
from adapters.memory.fees import MemoryExamFees, MemoryTariffs
from adapters.memory.messages import MemoryAnswers, MemoryInbox, MemoryOutbox, MemoryRetention
from adapters.memory.probe import InProcess
from adapters.memory.store import Store
from adapters.memory.students import MemoryCandidates, MemoryContacts
from adapters.memory.unit_of_work import MemoryUnitOfWork
from adapters.memory.vendors import MemoryVendorStandings
from adapters.sandbox.sent import SandboxSentMessages
from adapters.system.clock import SystemClock, TimeOrderedIds
from adapters.system.reach import Reach
from adapters.system.sole_use import sole_use, turn
from adapters.telemetry.logs import set_up_logs
from adapters.telemetry.observed import observed
from config.settings import Adapters, Retention, Secret, Settings
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
from core.notifications.enquiry import Enquiry, Records
from core.notifications.journal import Journal
from core.notifications.list_deliveries import ListDeliveries
from core.notifications.list_vendors import ListVendors
from core.notifications.note_vendor_report import NoteVendorReport
from core.notifications.notify_student import NotifyStudent
from core.notifications.reconcile_deliveries import ReconcileDeliveries
from core.notifications.report_vendors import ReportVendors
from core.notifications.settle_delivery import SettleDelivery
from core.shared.batches import Batches
from core.shared.drop_dead_letter import DropDeadLetter
from core.shared.forget_old_messages import ForgetOldMessages
from core.shared.list_dead_letters import ListDeadLetters
from core.shared.replay_dead_letter import ReplayDeadLetter
from core.shared.replay_events import ReplayEvents
from core.shared.retention import Memory
from core.shared.settle_dead_letters import SettleDeadLetters
from core.shared.show_dead_letter import ShowDeadLetter
from core.shared.signals import Signals
from core.shared.survey_dead_letters import SurveyDeadLetters
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

    @cache
    def adapter() -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(import_module(module), name)
        return found

    def build(*arguments: Any, **named: Any) -> Any:
        return adapter()(*arguments, **named)

    return build


def configured(module: str, name: str) -> Callable[..., Any]:
    """Build an adapter lazily from its section of the settings, whose words are its arguments."""

    def build(section: msgspec.Struct, **others: Any) -> Any:
        words = msgspec.structs.asdict(section) | others
        plain = {word: value.reveal() if isinstance(value, Secret) else value for word, value in words.items()}
        return lazily(module, name)(**plain)

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


def askable(adapters: Adapters, **vendors: providers.Aggregate[Any]) -> dict[Channel, Records]:
    """Return for each vendor that is named how to ask it what became of a message, None where that cannot be."""
    return {
        channel: {name: known(name) if name in known.providers else None for name in getattr(adapters, channel)}
        for channel, known in ((Channel(word), known) for word, known in vendors.items())
    }


def divided(seconds: float, parts: int) -> float:
    """Return one part of a time."""
    return seconds / parts


def who_we_are() -> str:
    """Return a name that no other process has had or will have."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"


def stored(
    persistence: providers.Provider[str], *, sql: providers.Provider[Any], memory: providers.Provider[Any]
) -> providers.Selector[Any]:
    """Choose how something is stored: one code for both databases, one without any."""
    return providers.Selector(persistence, mysql=sql, sqlite=sql, memory=memory)


def use_case(kind: type[Any], driven: providers.DependenciesContainer, **others: Any) -> providers.Factory[Any]:
    """Fill the fields of a use case with the adapters of the same names; what is `new_…` is made by it, each time."""
    needed = [field.name for field in fields(kind) if field.default is MISSING and field.name not in others]
    ports = {name: getattr(driven, name) for name in needed}
    ports |= {name: ports[name].provider for name in needed if name.startswith("new_")}
    return providers.Factory(observed, kind, **ports, **others)


class Driven(containers.DeclarativeContainer):
    """The switchboard: for each port, every adapter that can stand behind it."""

    settings = providers.Dependency(instance_of=Settings)
    contexts = providers.Dependency(instance_of=tuple, default=())
    persistence = providers.Singleton(str, settings.provided.adapters.persistence)

    logs = providers.Callable(
        set_up_logs, form=settings.provided.telemetry.logs, level=settings.provided.telemetry.level
    )
    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(TimeOrderedIds)
    signals = providers.Singleton(Signals)
    journal = providers.Singleton(Journal)

    # A letter takes several steps: one that hangs must be noticed before the deadline makes the outcome unknown.
    deadline = settings.provided.resilience.deadline_seconds
    one_step = providers.Callable(divided, deadline, 4)
    email_vendors: providers.Aggregate[Any] = providers.Aggregate(
        ses=providers.Singleton(
            configured("adapters.ses.email", "SesEmailSender"), settings.provided.ses, timeout=deadline
        ),
        smtp=providers.Singleton(
            configured("adapters.smtp.email", "SmtpEmailSender"), settings.provided.smtp, timeout=one_step
        ),
        console=providers.Singleton(ConsoleEmailSender),
        sandbox=providers.Singleton(
            configured("adapters.sandbox.senders", "SandboxEmailSender"), settings.provided.sandbox
        ),
    )
    sms_vendors: providers.Aggregate[Any] = providers.Aggregate(
        twilio=providers.Singleton(
            configured("adapters.twilio.sms", "TwilioSmsSender"),
            settings.provided.twilio,
            public_url=settings.provided.http.public_url,
            timeout=deadline,
        ),
        console=providers.Singleton(ConsoleSmsSender),
        sandbox=providers.Singleton(
            configured("adapters.sandbox.senders", "SandboxSmsSender"), settings.provided.sandbox
        ),
    )
    # SMTP has no such question, SES one only by the id we did not get; what the console showed, nobody wrote down.
    email_records: providers.Aggregate[Any] = providers.Aggregate(
        sandbox=providers.Singleton(SandboxSentMessages, record=settings.provided.sandbox.record)
    )
    sms_records: providers.Aggregate[Any] = providers.Aggregate(
        twilio=providers.Singleton(
            lazily("adapters.twilio.sent", "TwilioSentMessages"),
            url=settings.provided.twilio.url,
            account_sid=settings.provided.twilio.account_sid,
            auth_token=settings.provided.twilio.auth_token.reveal.call(),
            timeout=settings.provided.resilience.deadline_seconds,
        ),
        sandbox=providers.Singleton(SandboxSentMessages, record=settings.provided.sandbox.record),
    )
    records = providers.Callable(
        askable, settings.provided.adapters, email=email_records.provider, sms=sms_records.provider
    )
    twilio_reports = providers.Singleton(
        lazily("adapters.twilio.reports", "TwilioReports"),
        public_url=settings.provided.http.public_url,
        auth_token=settings.provided.twilio.auth_token.reveal.call(),
    )
    vendor_policy = providers.Singleton(
        configured("adapters.resilience.policy", "Policy"), settings.provided.resilience
    )
    templates = providers.Singleton(lazily("adapters.jinja.templates", "JinjaTemplates"))
    enquiry = providers.Factory(
        Enquiry,
        records=records,
        templates=templates,
        deadline=providers.Callable(timedelta, seconds=settings.provided.resilience.deadline_seconds),
    )
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
            contexts=contexts,
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
        events_days=settings.provided.kafka.events_days,
        contexts=contexts,
    )

    schedule_format = providers.Singleton(MsgspecScheduleFormat)
    store = providers.Singleton(Store)
    database = providers.Selector(
        persistence,
        mysql=providers.Singleton(configured("adapters.sql.database", "mysql"), settings.provided.mysql),
        sqlite=providers.Singleton(configured("adapters.sql.database", "sqlite"), settings.provided.sqlite),
        memory=store,
    )

    provisioning = providers.Selector(
        persistence,
        mysql=providers.Factory(nullcontext),
        sqlite=providers.Factory(turn, path=settings.provided.sqlite.path),
        memory=providers.Factory(nullcontext),
    )
    sole_use = providers.Selector(
        persistence,
        mysql=providers.Factory(nullcontext),
        sqlite=providers.Factory(sole_use, path=settings.provided.sqlite.path),
        memory=providers.Factory(nullcontext),
    )
    migrate = stored(
        persistence,
        sql=providers.Callable(lazily("adapters.sql.schema", "bring_to"), database),
        memory=providers.Callable(nothing_to_migrate),
    )

    single_commits = providers.Singleton(lazily("adapters.sql.transactions", "SingleCommits"), database=database)
    commits = providers.Selector(
        settings.provided.adapters.commits,
        grouped=providers.Singleton(
            Batches,
            providers.Singleton(
                lazily("adapters.sql.group_commit", "GroupCommit"), database, single_commits
            ).provided.store,
        ),
        single=single_commits,
    )
    transactions = providers.Singleton(
        lazily("adapters.sql.transactions", "Transactions"),
        database=database,
        commits=commits,
        committed=signals.provided.ring,
    )
    sql_work = providers.Factory(
        lazily("adapters.sql.unit_of_work", "SqlUnitOfWork"),
        begin=transactions.provided.begin,
        schedule_format=schedule_format,
        clock=clock,
        ids=ids,
    )
    memory_work = providers.Factory(
        MemoryUnitOfWork, store=store, committed=signals.provided.ring, clock=clock, ids=ids
    )
    new_work = stored(persistence, sql=sql_work, memory=memory_work)
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
    lease = providers.Callable(long_enough, settings)
    absent_after = providers.Callable(timedelta, minutes=settings.provided.notifications.absent_after_minutes)
    person_after = providers.Callable(timedelta, hours=settings.provided.notifications.person_after_hours)
    dead_letter_office = stored(
        persistence,
        sql=providers.Singleton(
            lazily("adapters.sql.dead_letter_office", "SqlDeadLetterOffice"), consumer=CONSUMER, database=database
        ),
        memory=providers.Singleton(MemoryDeadLetterOffice, consumer=CONSUMER, store=store),
    )
    event_log = stored(
        persistence,
        sql=providers.Singleton(
            lazily("adapters.sql.event_log", "SqlEventLog"), consumer=CONSUMER, database=database, clock=clock, ids=ids
        ),
        memory=providers.Singleton(MemoryEventLog, consumer=CONSUMER, store=store, ids=ids),
    )
    keep = providers.Callable(how_long, settings.provided.retention)
    holder = providers.Singleton(who_we_are)
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
    tariffs = stored(
        persistence,
        sql=providers.Singleton(
            lazily("adapters.sql.fees", "SqlTariffs"), database=database, cache=cache, schedule_format=schedule_format
        ),
        memory=providers.Singleton(MemoryTariffs, store=store),
    )
    candidates = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.students", "SqlCandidates"), database=database),
        memory=providers.Singleton(MemoryCandidates, store=store),
    )
    contacts = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.students", "SqlContacts"), database=database),
        memory=providers.Singleton(MemoryContacts, store=store),
    )
    vendor_standings = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.vendors", "SqlVendorStandings"), database=database),
        memory=providers.Singleton(MemoryVendorStandings),
    )
    queue = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.deliveries", "SqlQueue"), database=database),
        memory=providers.Singleton(MemoryQueue, store=store),
    )
    exam_fees = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.exam_fees", "SqlExamFees"), database=database),
        memory=providers.Singleton(MemoryExamFees, store=store),
    )
    delivery_list = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.cases", "SqlDeliveryList"), database=database),
        memory=providers.Singleton(MemoryDeliveryList, store=store),
    )
    persistence_probe = stored(
        persistence,
        sql=providers.Singleton(
            lazily("adapters.sql.probe", "SqlProbe"),
            name=settings.provided.adapters.persistence,
            database=database,
            clock=clock,
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

    publish_fee_schedule = use_case(PublishFeeSchedule, driven)
    list_fee_schedules = use_case(ListFeeSchedules, driven)
    quote_exam_fee = use_case(QuoteExamFee, driven)
    submit_exam_fee = use_case(SubmitExamFee, driven)
    refuse_exam_fee = use_case(RefuseExamFee, driven)
    show_exam_fee = use_case(ShowExamFee, driven)
    list_exam_fees = use_case(ListExamFees, driven)
    import_students = use_case(ImportStudents, driven)
    find_student = use_case(FindStudent, driven)
    notify_student = use_case(NotifyStudent, driven)
    dispatch_deliveries = use_case(DispatchDeliveries, driven)
    abandon_deliveries = use_case(AbandonDeliveries, driven)
    reconcile_deliveries = use_case(ReconcileDeliveries, driven)
    list_deliveries = use_case(ListDeliveries, driven, deliveries=driven.delivery_list)
    settle_delivery = use_case(SettleDelivery, driven)
    note_vendor_report = use_case(NoteVendorReport, driven, reports=driven.twilio_reports)
    forget_old_messages = use_case(ForgetOldMessages, driven)
    list_dead_letters = use_case(ListDeadLetters, driven, office=driven.dead_letter_office)
    show_dead_letter = use_case(ShowDeadLetter, driven, office=driven.dead_letter_office)
    survey_dead_letters = use_case(SurveyDeadLetters, driven, office=driven.dead_letter_office)
    settle_dead_letters = use_case(SettleDeadLetters, driven, office=driven.dead_letter_office)
    drop_dead_letter = use_case(DropDeadLetter, driven)
    replay_dead_letter = use_case(ReplayDeadLetter, driven)
    replay_events = use_case(ReplayEvents, driven, log=driven.event_log, consumer=CONSUMER)
    report_vendors = use_case(ReportVendors, driven, process=driven.holder)
    list_vendors = use_case(ListVendors, driven)


class Application(containers.DeclarativeContainer):
    """Settings go in, use cases come out."""

    settings = providers.Dependency(instance_of=Settings)
    contexts = providers.Dependency(instance_of=tuple, default=())
    """Of the messages that travel: what a broker has topics for."""
    driven = providers.Container(Driven, settings=settings, contexts=contexts)
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
    held += [record for known in driven.records().values() for record in known.values()]
    async with AsyncExitStack() as stack:
        for each in held:
            if hasattr(each, "close"):
                stack.push_async_callback(each.close)
        yield application

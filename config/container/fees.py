"""Builds the fees context and its adapters."""

from dependency_injector import containers, providers

from adapters.encoding import MsgspecScheduleFormat
from adapters.memory.fees.repricings import MemoryRepricingRecords
from adapters.memory.fees.schedules_and_submissions import MemoryExamFees, MemoryTariffs
from adapters.memory.fees.timelines import MemoryTimelines
from adapters.memory.fees.unit_of_work import MemoryFeesUnitOfWork
from adapters.memory.students.roster import MemoryCandidates
from config.container.process import Process
from config.container.providers import given, lazy_imports, stored
from config.container.providers import use_cases as use_cases_of
from config.container.storage import Storage
from core.fees.timelines.timeline_watch import TimelineWatch
from core.fees.use_cases import FeesUseCases

with lazy_imports():
    from adapters.sql.fees.exam_fees import SqlExamFees
    from adapters.sql.fees.repricings import SqlRepricingRecords
    from adapters.sql.fees.schedules_and_submissions import SqlTariffs
    from adapters.sql.fees.timelines import SqlTimelines
    from adapters.sql.fees.unit_of_work import SqlFeesUnitOfWork
    from adapters.sql.students.roster import SqlCandidates


class Fees(containers.DeclarativeContainer):
    """Schedules, quotes and submissions."""

    process = given(Process)
    storage = given(Storage)
    persistence, clock, ids = process.persistence, process.clock, process.ids
    database, memory, transactions = storage.database, storage.memory, storage.transactions

    schedule_format = providers.Singleton(MsgspecScheduleFormat)
    new_work = stored(
        persistence,
        sql=providers.Factory(SqlFeesUnitOfWork, transactions, schedule_format, clock, ids),
        memory=providers.Factory(MemoryFeesUnitOfWork, memory, clock, ids),
    )
    tariffs = stored(
        persistence,
        sql=providers.Singleton(SqlTariffs, database, storage.cache, schedule_format),
        memory=providers.Singleton(MemoryTariffs, memory),
    )
    candidates = stored(
        persistence,
        sql=providers.Singleton(SqlCandidates, database),
        memory=providers.Singleton(MemoryCandidates, memory),
    )
    exam_fees = stored(
        persistence,
        sql=providers.Singleton(SqlExamFees, database),
        memory=providers.Singleton(MemoryExamFees, memory),
    )

    repricings = stored(
        persistence,
        sql=providers.Singleton(SqlRepricingRecords, database),
        memory=providers.Singleton(MemoryRepricingRecords, memory),
    )

    timelines = stored(
        persistence,
        sql=providers.Singleton(SqlTimelines, database),
        memory=providers.Singleton(MemoryTimelines, memory),
    )
    timeline_watch = providers.Singleton(
        TimelineWatch,
        timelines,
        clock,
        max_followers=process.settings.provided.http.max_streams,
        max_per_subject=process.settings.provided.http.max_streams_per_account,
    )

    use_cases = use_cases_of(
        FeesUseCases,
        storage.refusals,
        new_work=new_work,
        tariffs=tariffs,
        versions=tariffs,
        candidates=candidates,
        exam_fees=exam_fees,
        repricings=repricings,
        timeline_watch=timeline_watch,
        schedule_format=schedule_format,
        clock=clock,
        ids=ids,
    )

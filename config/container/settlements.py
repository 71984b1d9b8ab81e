"""Builds the settlements context and its adapters."""

from dependency_injector import containers, providers

from adapters.memory.settlements.settlements import MemoryExceptionList
from adapters.memory.settlements.unit_of_work import MemorySettlementsUnitOfWork
from config.container.process import Process
from config.container.providers import given, lazy_imports, stored
from config.container.providers import use_cases as use_cases_of
from config.container.storage import Storage
from core.settlements.use_cases import SettlementsUseCases

with lazy_imports():
    from adapters.sql.settlements.exceptions import SqlExceptionList
    from adapters.sql.settlements.unit_of_work import SqlSettlementsUnitOfWork


class Settlements(containers.DeclarativeContainer):
    """Settlement files of gateways."""

    process = given(Process)
    storage = given(Storage)
    persistence, database, memory = process.persistence, storage.database, storage.memory

    new_work = stored(
        persistence,
        sql=providers.Factory(SqlSettlementsUnitOfWork, storage.transactions, process.clock, process.ids),
        memory=providers.Factory(MemorySettlementsUnitOfWork, memory, process.clock, process.ids),
    )
    exceptions = stored(
        persistence,
        sql=providers.Singleton(SqlExceptionList, database),
        memory=providers.Singleton(MemoryExceptionList, memory),
    )

    use_cases = use_cases_of(
        SettlementsUseCases,
        storage.refusals,
        new_work=new_work,
        exceptions=exceptions,
        clock=process.clock,
        ids=process.ids,
    )

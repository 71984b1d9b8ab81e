"""Builds the payments context and its adapters."""

from dependency_injector import containers, providers

from adapters.memory.payments.accounts import MemoryPaymentRecords
from adapters.memory.payments.desk import MemoryDeskRecords
from adapters.memory.payments.unit_of_work import MemoryPaymentsUnitOfWork
from config.container.gateways import Gateways
from config.container.process import Process
from config.container.providers import given, lazy_imports, stored
from config.container.providers import use_cases as use_cases_of
from config.container.storage import Storage
from core.payments.order import OrderTerms
from core.payments.use_cases import PaymentsUseCases

with lazy_imports():
    from adapters.sql.payments.desk import SqlDeskRecords
    from adapters.sql.payments.records import SqlPaymentRecords
    from adapters.sql.payments.unit_of_work import SqlPaymentsUnitOfWork


class Payments(containers.DeclarativeContainer):
    """Fee accounts, and the gateways that collect for them."""

    process = given(Process)
    storage = given(Storage)
    gateways = given(Gateways)
    persistence, database, memory = process.persistence, storage.database, storage.memory

    new_work = stored(
        persistence,
        sql=providers.Factory(SqlPaymentsUnitOfWork, storage.transactions, process.clock, process.ids),
        memory=providers.Factory(MemoryPaymentsUnitOfWork, memory, process.clock, process.ids),
    )
    records = stored(
        persistence,
        sql=providers.Singleton(SqlPaymentRecords, database),
        memory=providers.Singleton(MemoryPaymentRecords, memory),
    )
    desk = stored(
        persistence,
        sql=providers.Singleton(SqlDeskRecords, database),
        memory=providers.Singleton(MemoryDeskRecords, memory),
    )

    use_cases = use_cases_of(
        PaymentsUseCases,
        storage.refusals,
        new_work=new_work,
        records=records,
        desk=desk,
        counter_limit_minor=process.settings.provided.counter.limit_minor,
        gateways=gateways.gateways,
        webhooks=gateways.webhooks,
        choice=gateways.choice,
        terms=providers.Singleton(OrderTerms),
        clock=process.clock,
        ids=process.ids,
        public_url=process.settings.provided.http.public_url,
    )

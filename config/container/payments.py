"""Builds the payments context and its adapters."""

from datetime import timedelta

from dependency_injector import containers, providers

from adapters.memory.payments.accounts import MemoryPaymentRecords
from adapters.memory.payments.adjustments import MemoryAdjustmentRecords
from adapters.memory.payments.clearances import MemoryClearances
from adapters.memory.payments.desk import MemoryDeskRecords
from adapters.memory.payments.due_fees import MemoryDueFees
from adapters.memory.payments.dues import MemoryDues
from adapters.memory.payments.fee_names import MemoryFeeNames
from adapters.memory.payments.order_figures import MemoryOrderFigures
from adapters.memory.payments.unit_of_work import MemoryPaymentsUnitOfWork
from adapters.memory.payments.waivers import MemoryWaivers
from config.container.gateways import Gateways
from config.container.process import Process
from config.container.providers import given, lazy_imports, stored
from config.container.providers import use_cases as use_cases_of
from config.container.storage import Storage
from config.settings import Settings
from core.payments.account_batcher import AccountBatcher
from core.payments.order import OrderTerms
from core.payments.use_cases import PaymentsUseCases

with lazy_imports():
    from adapters.sql.payments.adjustments import SqlAdjustmentRecords
    from adapters.sql.payments.clearances import SqlClearances
    from adapters.sql.payments.desk import SqlDeskRecords
    from adapters.sql.payments.due_fees import SqlDueFees
    from adapters.sql.payments.fee_names import SqlFeeNames
    from adapters.sql.payments.order_figures import SqlOrderFigures
    from adapters.sql.payments.records import SqlPaymentRecords
    from adapters.sql.payments.unit_of_work import SqlPaymentsUnitOfWork
    from adapters.sql.payments.waivers import SqlWaivers
    from adapters.sql.payments.webhooks import encrypted_webhooks
    from adapters.sql.reports.dues import SqlDues


def terms_of(settings: Settings) -> OrderTerms:
    """Return how long orders are open, and when gateways are asked about them."""
    return OrderTerms(check_after=[timedelta(seconds=each) for each in settings.payments.ask_after_seconds])


def lease_of(settings: Settings) -> timedelta:
    """Return a period that is longer than all calls for one order or refund, with their waits and retries."""
    calls = 2 * settings.resilience.max_attempts * (settings.resilience.deadline_seconds + 5)
    return timedelta(seconds=calls)


class Payments(containers.DeclarativeContainer):
    """Fee accounts, and the gateways that collect for them."""

    process = given(Process)
    storage = given(Storage)
    gateways = given(Gateways)
    persistence, database, memory = process.persistence, storage.database, storage.memory

    encrypted = providers.Singleton(encrypted_webhooks, storage.column_cipher)
    new_work = stored(
        persistence,
        sql=providers.Factory(SqlPaymentsUnitOfWork, storage.transactions, encrypted, process.clock, process.ids),
        memory=providers.Factory(MemoryPaymentsUnitOfWork, memory, process.clock, process.ids),
    )
    names = stored(
        persistence,
        sql=providers.Singleton(SqlFeeNames, database),
        memory=providers.Singleton(MemoryFeeNames, memory),
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

    order_figures = stored(
        persistence,
        sql=providers.Singleton(SqlOrderFigures, database),
        memory=providers.Singleton(MemoryOrderFigures, memory),
    )
    clearances = stored(
        persistence,
        sql=providers.Singleton(SqlClearances, database),
        memory=providers.Singleton(MemoryClearances, memory),
    )

    waivers = stored(
        persistence,
        sql=providers.Singleton(SqlWaivers, database),
        memory=providers.Singleton(MemoryWaivers, memory),
    )

    due_fees = stored(
        persistence,
        sql=providers.Singleton(SqlDueFees, database),
        memory=providers.Singleton(MemoryDueFees, memory),
    )

    accounts = providers.Singleton(AccountBatcher, new_work.provider)
    dues = stored(
        persistence,
        sql=providers.Singleton(SqlDues, database),
        memory=providers.Singleton(MemoryDues, memory),
    )
    adjustments = stored(
        persistence,
        sql=providers.Singleton(SqlAdjustmentRecords, database),
        memory=providers.Singleton(MemoryAdjustmentRecords, memory),
    )

    use_cases = use_cases_of(
        PaymentsUseCases,
        storage.refusals,
        new_work=new_work,
        accounts=accounts,
        names=names,
        records=records,
        clearances=clearances,
        waivers=waivers,
        due_fees=due_fees,
        dues=dues,
        days=process.office_days,
        desk=desk,
        adjustments=adjustments,
        counter_limit_minor=process.settings.provided.payments.counter_limit_minor,
        counter_backdating=providers.Factory(timedelta, days=process.settings.provided.payments.counter_backdate_days),
        gateways=gateways.gateways,
        webhooks=gateways.webhooks,
        choice=gateways.choice,
        payer=gateways.payer,
        terms=providers.Singleton(terms_of, process.settings),
        lease=providers.Callable(lease_of, process.settings),
        clock=process.clock,
        ids=process.ids,
        public_url=process.settings.provided.http.public_url,
    )

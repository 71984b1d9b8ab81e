"""Builds the ledger context and its adapters."""

from dependency_injector import containers, providers

from adapters.memory.ledger.ledger import MemoryBalances, MemoryBooks, MemoryFeeOwners, MemoryPostingSums
from adapters.memory.ledger.reports import MemoryReports
from adapters.memory.ledger.unit_of_work import MemoryLedgerUnitOfWork
from config.container.process import Process
from config.container.providers import given, lazy_imports, stored
from config.container.providers import use_cases as use_cases_of
from config.container.storage import Storage
from core.ledger.use_cases import LedgerUseCases

with lazy_imports():
    from adapters.sql.ledger.balances import SqlBalances
    from adapters.sql.ledger.books import SqlBooks
    from adapters.sql.ledger.posting_sums import SqlPostingSums
    from adapters.sql.ledger.unit_of_work import SqlLedgerUnitOfWork
    from adapters.sql.payments.facts import posted_facts
    from adapters.sql.payments.fee_owners import SqlFeeOwners
    from adapters.sql.reports.ledger import SqlReports


class Ledger(containers.DeclarativeContainer):
    """Transactions, balances and their proof."""

    process = given(Process)
    storage = given(Storage)
    persistence, database, memory = process.persistence, storage.database, storage.memory

    new_work = stored(
        persistence,
        sql=providers.Factory(SqlLedgerUnitOfWork, storage.transactions, process.clock, process.ids),
        memory=providers.Factory(MemoryLedgerUnitOfWork, memory, process.clock, process.ids),
    )
    balances = stored(
        persistence,
        sql=providers.Singleton(SqlBalances, database),
        memory=providers.Singleton(MemoryBalances, memory),
    )
    fee_owners = stored(
        persistence,
        sql=providers.Singleton(SqlFeeOwners, database),
        memory=providers.Singleton(MemoryFeeOwners, memory),
    )
    sums = stored(
        persistence,
        sql=providers.Singleton(SqlPostingSums, database),
        memory=providers.Singleton(MemoryPostingSums),
    )
    books = stored(
        persistence,
        sql=providers.Singleton(SqlBooks, database, providers.Singleton(posted_facts)),
        memory=providers.Singleton(MemoryBooks, memory),
    )

    reports = stored(
        persistence,
        sql=providers.Singleton(SqlReports, database),
        memory=providers.Singleton(MemoryReports, memory),
    )

    use_cases = use_cases_of(
        LedgerUseCases,
        storage.refusals,
        new_work=new_work,
        balances=balances,
        fee_owners=fee_owners,
        sums=sums,
        books=books,
        reports=reports,
        days=process.office_days,
    )

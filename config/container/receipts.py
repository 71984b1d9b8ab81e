"""Builds the receipts context and its adapters."""

from dependency_injector import containers, providers

from adapters.memory.receipts.receipts import MemoryIssuedReceipts, MemoryPayers
from adapters.memory.receipts.unit_of_work import MemoryReceiptsUnitOfWork
from config.container.process import Process
from config.container.providers import configured, given, lazy_imports, stored
from config.container.providers import use_cases as use_cases_of
from config.container.storage import Storage
from core.receipts.receipt import ReceiptTerms
from core.receipts.use_cases import ReceiptsUseCases

with lazy_imports():
    from adapters.sql.receipts.issued_receipts import SqlIssuedReceipts
    from adapters.sql.receipts.payers import SqlPayers
    from adapters.sql.receipts.unit_of_work import SqlReceiptsUnitOfWork
    from adapters.typst.receipt_documents import TypstReceiptDocuments


class Receipts(containers.DeclarativeContainer):
    """Receipts, and what is printed on them."""

    process = given(Process)
    storage = given(Storage)
    persistence, database, memory = process.persistence, storage.database, storage.memory

    new_work = stored(
        persistence,
        sql=providers.Factory(SqlReceiptsUnitOfWork, storage.transactions, process.clock, process.ids),
        memory=providers.Factory(MemoryReceiptsUnitOfWork, memory, process.clock, process.ids),
    )
    issued_receipts = stored(
        persistence,
        sql=providers.Singleton(SqlIssuedReceipts, database),
        memory=providers.Singleton(MemoryIssuedReceipts, memory),
    )
    payers = stored(
        persistence,
        sql=providers.Singleton(SqlPayers, database),
        memory=providers.Singleton(MemoryPayers, memory),
    )
    documents = providers.Singleton(TypstReceiptDocuments)
    terms = providers.Singleton(configured(ReceiptTerms), process.settings.provided.receipts)

    use_cases = use_cases_of(
        ReceiptsUseCases,
        storage.refusals,
        new_work=new_work,
        issued_receipts=issued_receipts,
        payers=payers,
        documents=documents,
        public_url=process.settings.provided.http.public_url,
        clock=process.clock,
        terms=terms,
    )

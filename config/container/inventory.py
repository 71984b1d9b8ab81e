"""Builds the inventory context and its adapters."""

from dependency_injector import containers, providers

from adapters.memory.inventory.skus import MemoryInventoryBacklog
from adapters.memory.inventory.stock_views import MemoryProjectionProgress, MemoryStockViews, MemoryStoredVersions
from adapters.memory.inventory.unit_of_work import MemoryInventoryUnitOfWork
from config.container.process import Process
from config.container.providers import given, lazy_imports, stored
from config.container.providers import use_cases as use_cases_of
from config.container.storage import Storage
from core.inventory.use_cases import InventoryUseCases

with lazy_imports():
    from adapters.sql.inventory.skus import SqlInventoryBacklog
    from adapters.sql.inventory.stock_views import SqlProjectionProgress, SqlStockViews, SqlStoredVersions
    from adapters.sql.inventory.unit_of_work import SqlInventoryUnitOfWork


class Inventory(containers.DeclarativeContainer):
    """Batches, allocations and their views."""

    process = given(Process)
    storage = given(Storage)
    persistence, clock, ids = process.persistence, process.clock, process.ids
    database, memory, transactions = storage.database, storage.memory, storage.transactions
    zone = process.settings.provided.inventory.zone

    new_work = stored(
        persistence,
        sql=providers.Factory(SqlInventoryUnitOfWork, transactions, clock, ids),
        memory=providers.Factory(MemoryInventoryUnitOfWork, memory, clock, ids),
    )
    inventory_backlog = stored(
        persistence,
        sql=providers.Singleton(SqlInventoryBacklog, database),
        memory=providers.Singleton(MemoryInventoryBacklog, memory),
    )
    stock_views = stored(
        persistence,
        sql=providers.Singleton(SqlStockViews, database),
        memory=providers.Singleton(MemoryStockViews, memory),
    )
    stored_versions = stored(
        persistence,
        sql=providers.Singleton(SqlStoredVersions, database),
        memory=providers.Singleton(MemoryStoredVersions, memory),
    )
    projection_progress = stored(
        persistence,
        sql=providers.Singleton(SqlProjectionProgress, database),
        memory=providers.Singleton(MemoryProjectionProgress, memory),
    )

    use_cases = use_cases_of(
        InventoryUseCases,
        storage.refusals,
        new_work=new_work,
        inventory_backlog=inventory_backlog,
        views=stock_views,
        stored_versions=stored_versions,
        projection_progress=projection_progress,
        signals=process.signals,
        clock=clock,
        ids=ids,
        zone=zone,
    )

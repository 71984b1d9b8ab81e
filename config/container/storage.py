"""Builds the database (MySQL, SQLite or in memory), its locks, the cache, rate limits, and plain units of work."""

from contextlib import nullcontext
from pathlib import Path

from dependency_injector import containers, providers

from adapters.memory.cache import MemoryCache
from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.gauges import MemoryGauges
from adapters.memory.engine.probe import InProcessProbe
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from adapters.memory.rate_limiter import MemoryRateLimiter
from adapters.system.encryption_key_file import keys_beside
from adapters.system.exclusive_file_lock import blocking_file_lock, exclusive_file_lock
from config.container.process import Process
from config.container.providers import configured, given, lazy_imports, stored
from core.audit.refusal_log import RefusalLog
from core.kernel.batching import Batcher
from core.kernel.errors import Invalid
from core.kernel.schema import SchemaChange

with lazy_imports():
    from adapters.cryptography.column_encryption import ColumnCipher
    from adapters.redis.cache import RedisCache, RedisProbe
    from adapters.redis.own_writes import RedisOwnWrites
    from adapters.redis.rate_limiter import RedisRateLimiter
    from adapters.sql.engine.database import sqlite
    from adapters.sql.engine.ensure_migrated import ensure_migrated
    from adapters.sql.engine.gauges import SqlGauges
    from adapters.sql.engine.group_commit import GroupCommit
    from adapters.sql.engine.mysql import mysql
    from adapters.sql.engine.probe import SqlProbe
    from adapters.sql.engine.sqlite_backup import SqliteBackup
    from adapters.sql.engine.transactions import SingleCommits, Transactions
    from adapters.sql.engine.unit_of_work import SqlUnitOfWork

SHARED_CACHE_SECONDS, OWN_CACHE_SECONDS = 60, 2
"""Lifetimes of cache entries; an in-process cache does not see other processes' changes, so its entries expire soon."""


async def not_a_file(_target: Path) -> int:
    """Refuse to copy a database that is no file."""
    raise Invalid("only a SQLite database is copied this way; for MySQL, deploy/backup has scripts")


async def nothing_to_migrate(_target: str = "head", *, may_lose_data: bool = False) -> SchemaChange:  # noqa: ARG001
    """Report the schema of the memory database, which has none."""
    return SchemaChange("none", "none", "none")


class Storage(containers.DeclarativeContainer):
    """The database, its transactions, the cache and rate limits."""

    process = given(Process)
    settings, persistence = process.settings.provided, process.persistence

    cache = providers.Selector(
        settings.adapters.cache,
        redis=providers.Singleton(
            RedisCache,
            url=settings.redis.url.reveal.call(),
            ca_file=settings.redis.ca_file,
            ttl_seconds=SHARED_CACHE_SECONDS,
            prefix=settings.redis.prefix,
        ),
        memory=providers.Singleton(MemoryCache, clock=process.clock, ttl_seconds=OWN_CACHE_SECONDS),
    )
    cache_probe = providers.Selector(
        settings.adapters.cache,
        redis=providers.Singleton(
            RedisProbe,
            url=settings.redis.url.reveal.call(),
            ca_file=settings.redis.ca_file,
            prefix=settings.redis.prefix,
        ),
        memory=providers.Singleton(InProcessProbe, name="cache (memory)"),
    )

    local_rate_limiter = providers.Singleton(MemoryRateLimiter, clock=process.clock)
    rate_limiter = providers.Selector(
        settings.adapters.cache,
        redis=providers.Singleton(
            RedisRateLimiter,
            url=settings.redis.url.reveal.call(),
            ca_file=settings.redis.ca_file,
            prefix=settings.redis.prefix,
            local=local_rate_limiter,
        ),
        memory=local_rate_limiter,
    )
    own_writes = providers.Singleton(
        RedisOwnWrites,
        url=settings.redis.url.reveal.call(),
        ca_file=settings.redis.ca_file,
        prefix=settings.redis.prefix,
        ttl_seconds=settings.mysql.own_write_seconds,
        clock=process.clock,
    )

    memory = providers.Singleton(MemoryDatabase, notify=process.signals.provided.notify)
    database = providers.Selector(
        persistence,
        mysql=providers.Singleton(configured(mysql), settings.mysql),
        sqlite=providers.Singleton(configured(sqlite), settings.sqlite),
        memory=memory,
    )
    keys = settings.encryption.by_number.call()
    column_cipher = providers.Selector(
        persistence,
        mysql=providers.Singleton(ColumnCipher, keys),
        memory=providers.Singleton(ColumnCipher, keys),
        sqlite=providers.Singleton(ColumnCipher, providers.Callable(keys_beside, settings.sqlite.path, keys)),
    )
    persistence_probe = stored(
        persistence,
        sql=providers.Singleton(SqlProbe, name=persistence, database=database, clock=process.clock),
        memory=providers.Singleton(InProcessProbe, name="persistence (memory)"),
    )
    gauges = stored(
        persistence,
        sql=providers.Singleton(SqlGauges, database=database, clock=process.clock),
        memory=providers.Singleton(MemoryGauges),
    )
    migrate = stored(
        persistence,
        sql=providers.Callable(ensure_migrated, database),
        memory=providers.Callable(nothing_to_migrate),
    )
    back_up = providers.Selector(
        persistence,
        mysql=providers.Object(not_a_file),
        sqlite=providers.Singleton(SqliteBackup, settings.sqlite.path),
        memory=providers.Object(not_a_file),
    )
    provisioning_lock = providers.Selector(
        persistence,
        mysql=providers.Factory(nullcontext),
        sqlite=providers.Factory(blocking_file_lock, path=settings.sqlite.path),
        memory=providers.Factory(nullcontext),
    )
    exclusive_lock = providers.Selector(
        persistence,
        mysql=providers.Factory(nullcontext),
        sqlite=providers.Factory(exclusive_file_lock, path=settings.sqlite.path),
        memory=providers.Factory(nullcontext),
    )

    single_commits = providers.Singleton(SingleCommits, database=database)
    group_commit = providers.Singleton(GroupCommit, database, single_commits)
    commits = providers.Selector(
        settings.adapters.commits,
        grouped=providers.Singleton(Batcher, group_commit.provided.commit_batch),
        single=single_commits,
    )
    transactions = providers.Singleton(
        Transactions, database=database, commits=commits, notify=process.signals.provided.notify
    )
    new_work = stored(
        persistence,
        sql=providers.Factory(SqlUnitOfWork, transactions=transactions, clock=process.clock, ids=process.ids),
        memory=providers.Factory(MemoryUnitOfWork, database=memory, clock=process.clock, ids=process.ids),
    )
    refusals = providers.Singleton(
        RefusalLog, new_work.provider, process.clock, process.settings.provided.audit.secret.reveal.call()
    )

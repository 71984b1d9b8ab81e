"""Where things are kept, and the transactions in which they change."""

from contextlib import nullcontext

from dependency_injector import providers

from adapters.encoding import MsgspecScheduleFormat
from adapters.memory.cache import MemoryCache
from adapters.memory.database import Store
from adapters.memory.probe import InProcessProbe
from adapters.memory.unit_of_work import MemoryUnitOfWork
from adapters.system.exclusive_file_lock import exclusive_file_lock, turn
from config.container.basics import Basics
from config.container.building import configured, lazily, stored
from core.kernel.batching import Batcher

SHARED_SECONDS, OWN_SECONDS = 60, 2
"""How long a cache remembers; one of this process alone hears of no change elsewhere, so only for a moment."""
settings, persistence = Basics.settings, Basics.persistence
clock, ids, signals = Basics.clock, Basics.ids, Basics.signals


async def nothing_to_migrate(_target: str = "head") -> str:
    """Return the version of what has no schema."""
    return "none"


class Storage(Basics):
    """The database, the store that stands in for one, and the cache."""

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
        memory=providers.Singleton(InProcessProbe, name="cache (memory)"),
    )

    schedule_format = providers.Singleton(MsgspecScheduleFormat)
    store = providers.Singleton(Store)
    database = providers.Selector(
        persistence,
        mysql=providers.Singleton(configured("adapters.sql.database", "mysql"), settings.provided.mysql),
        sqlite=providers.Singleton(configured("adapters.sql.database", "sqlite"), settings.provided.sqlite),
        memory=store,
    )
    persistence_probe = stored(
        persistence,
        sql=providers.Singleton(
            lazily("adapters.sql.probe", "SqlProbe"),
            name=settings.provided.adapters.persistence,
            database=database,
            clock=clock,
        ),
        memory=providers.Singleton(InProcessProbe, name="persistence (memory)"),
    )
    provisioning = providers.Selector(
        persistence,
        mysql=providers.Factory(nullcontext),
        sqlite=providers.Factory(turn, path=settings.provided.sqlite.path),
        memory=providers.Factory(nullcontext),
    )
    exclusive_file_lock = providers.Selector(
        persistence,
        mysql=providers.Factory(nullcontext),
        sqlite=providers.Factory(exclusive_file_lock, path=settings.provided.sqlite.path),
        memory=providers.Factory(nullcontext),
    )
    migrate = stored(
        persistence,
        sql=providers.Callable(lazily("adapters.sql.schema_version", "ensure_migrated"), database),
        memory=providers.Callable(nothing_to_migrate),
    )

    single_commits = providers.Singleton(lazily("adapters.sql.transactions", "SingleCommits"), database=database)
    commits = providers.Selector(
        settings.provided.adapters.commits,
        grouped=providers.Singleton(
            Batcher,
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

"""What each context looks at outside its units of work."""

from dependency_injector import providers

from adapters.memory.deliveries import MemoryDueDeliveries
from adapters.memory.fees import MemoryExamFees, MemoryTariffs
from adapters.memory.in_doubt_deliveries import MemoryDeliveryList
from adapters.memory.inventory import MemoryChores
from adapters.memory.projections import MemoryEventHistory, MemoryProjections
from adapters.memory.stock_views import MemoryProjectionProgress, MemoryStockViews, MemoryStoredVersions
from adapters.memory.students import MemoryCandidates, MemoryContacts
from adapters.memory.vendor_standings import MemoryVendorStandings
from adapters.system.staff import StaffContacts
from config.container.building import lazily, stored
from config.container.storage import Storage
from config.settings import Stores
from core.notifications.delivery import RecipientId
from core.notifications.messages import Contact
from core.notifications.staff import INVENTORY_STAFF

persistence, store, database = Storage.persistence, Storage.store, Storage.database
cache, schedule_format = Storage.cache, Storage.schedule_format


def staff(stores: Stores) -> dict[RecipientId, Contact]:
    """Return how to reach those who are nobody's students."""
    return {
        INVENTORY_STAFF: Contact(name=stores.name, email=stores.email, phone=stores.phone, language=stores.language)
    }


class Views(Storage):
    """Read ports; one that looks at another context is a window into it."""

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
    exam_fees = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.exam_fees", "SqlExamFees"), database=database),
        memory=providers.Singleton(MemoryExamFees, store=store),
    )

    roster = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.students", "SqlContacts"), database=database),
        memory=providers.Singleton(MemoryContacts, store=store),
    )
    contacts = providers.Singleton(
        StaffContacts, staff=providers.Callable(staff, Storage.settings.provided.stores), roster=roster
    )
    queue = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.deliveries", "SqlDueDeliveries"), database=database),
        memory=providers.Singleton(MemoryDueDeliveries, store=store),
    )
    delivery_list = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.in_doubt_deliveries", "SqlDeliveryList"), database=database),
        memory=providers.Singleton(MemoryDeliveryList, store=store),
    )
    vendor_standings = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.vendor_standings", "SqlVendorStandings"), database=database),
        memory=providers.Singleton(MemoryVendorStandings),
    )

    chores = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.inventory", "SqlChores"), database=database),
        memory=providers.Singleton(MemoryChores, store=store),
    )
    zone = Storage.settings.provided.stores.zone
    stock_views = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.stock_views", "SqlStockViews"), database=database),
        memory=providers.Singleton(MemoryStockViews, store=store),
    )
    stored_versions = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.stock_views", "SqlStoredVersions"), database=database),
        memory=providers.Singleton(MemoryStoredVersions, store=store),
    )
    projection_progress = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.stock_views", "SqlProjectionProgress"), database=database),
        memory=providers.Singleton(MemoryProjectionProgress, store=store),
    )
    projections = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.projections", "SqlProjections"), database=database),
        memory=providers.Singleton(MemoryProjections, store=store, clock=Storage.clock),
    )
    history = stored(
        persistence,
        sql=providers.Singleton(lazily("adapters.sql.projections", "SqlEventHistory"), database=database),
        memory=providers.Singleton(MemoryEventHistory, store=store),
    )

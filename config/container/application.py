"""Builds the application: one container for each concern."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from operator import add

from dependency_injector import containers, providers

from config.container.audit import Audit
from config.container.discovery import Discovery
from config.container.examinations import Examinations
from config.container.fees import Fees
from config.container.gateways import Gateways
from config.container.identity import Identity
from config.container.inventory import Inventory
from config.container.jobs import Jobs
from config.container.ledger import Ledger
from config.container.messaging import Messaging
from config.container.notifications import Notifications
from config.container.payments import Payments
from config.container.process import Process
from config.container.receipts import Receipts
from config.container.settlements import Settlements
from config.container.storage import Storage
from config.container.students import Students
from config.container.vendors import Vendors
from config.settings import Settings
from core.messaging.routing import Routes
from core.use_cases import UseCases


class Application(containers.DeclarativeContainer):
    """Takes the settings and the message routes, and provides the use cases."""

    settings = providers.Dependency(instance_of=Settings)
    routes = providers.Dependency(instance_of=Routes, default=Routes())
    use_cases = providers.Singleton(UseCases)

    process: Process = providers.Container(Process, settings=settings, routes=routes)  # type: ignore[assignment]
    discovery: Discovery = providers.Container(Discovery, process=process)  # type: ignore[assignment]
    storage: Storage = providers.Container(Storage, process=process)  # type: ignore[assignment]
    messaging: Messaging = providers.Container(  # type: ignore[assignment]
        Messaging, process=process, storage=storage, all_use_cases=use_cases.provider
    )
    identity: Identity = providers.Container(Identity, process=process, storage=storage)  # type: ignore[assignment]
    vendors: Vendors = providers.Container(  # type: ignore[assignment]
        Vendors, process=process, storage=storage, identity=identity
    )
    students: Students = providers.Container(Students, process=process, storage=storage)  # type: ignore[assignment]
    fees: Fees = providers.Container(Fees, process=process, storage=storage)  # type: ignore[assignment]
    notifications: Notifications = providers.Container(  # type: ignore[assignment]
        Notifications, process=process, storage=storage, vendors=vendors, students=students, identity=identity
    )
    inventory: Inventory = providers.Container(Inventory, process=process, storage=storage)  # type: ignore[assignment]
    ledger: Ledger = providers.Container(Ledger, process=process, storage=storage)  # type: ignore[assignment]
    gateways: Gateways = providers.Container(Gateways, process=process)  # type: ignore[assignment]
    payments: Payments = providers.Container(  # type: ignore[assignment]
        Payments, process=process, storage=storage, gateways=gateways
    )
    receipts: Receipts = providers.Container(Receipts, process=process, storage=storage)  # type: ignore[assignment]
    settlements: Settlements = providers.Container(  # type: ignore[assignment]
        Settlements, process=process, storage=storage
    )
    audit: Audit = providers.Container(  # type: ignore[assignment]
        Audit, process=process, storage=storage, messaging=messaging
    )
    jobs: Jobs = providers.Container(Jobs, process=process, storage=storage)  # type: ignore[assignment]
    examinations: Examinations = providers.Container(  # type: ignore[assignment]
        Examinations, process=process, storage=storage, messaging=messaging, identity=identity
    )

    # Added last: replays and rebuilds are use cases that call use cases.
    use_cases.add_kwargs(
        identity=identity.use_cases.provider,
        students=students.use_cases.provider,
        fees=fees.use_cases.provider,
        notifications=notifications.use_cases.provider,
        dispatch=notifications.dispatch_use_cases.provider,
        inventory=inventory.use_cases.provider,
        ledger=ledger.use_cases.provider,
        payments=payments.use_cases.provider,
        receipts=receipts.use_cases.provider,
        settlements=settlements.use_cases.provider,
        messaging=messaging.use_cases.provider,
        audit=audit.use_cases.provider,
        jobs=jobs.use_cases.provider,
    )
    gauges = providers.List(process.machine_gauges, storage.gauges)
    server_probes = providers.List(storage.persistence_probe, messaging.events_probe, storage.cache_probe)
    probes = providers.Callable(add, server_probes, discovery.registry_probes)


@asynccontextmanager
async def running(application: Application) -> AsyncIterator[Application]:
    """Close every connection at the end; connections open at their first use."""
    application.check_dependencies()
    application.process.logs()
    adapters, vendors = application.settings().adapters, application.vendors
    storage = application.storage
    closable = [application.messaging.publisher(), storage.cache(), storage.rate_limiter(), storage.database()]
    closable += [storage.own_writes()] if application.settings().mysql.replicas else []
    closable += [vendors.email_vendors(name) for name in adapters.email]
    closable += [vendors.sms_vendors(name) for name in adapters.sms]
    closable += [application.gateways.gateway_vendors(name) for name in adapters.payments]
    closable += [record for known in vendors.records().values() for record in known.values()]
    closable += application.identity.identity_providers().values()
    closable += [application.discovery.registry(), application.process.tracer()]
    async with AsyncExitStack() as stack:
        for each in closable:
            if hasattr(each, "close"):
                stack.push_async_callback(each.close)
        yield application

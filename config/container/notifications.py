"""Builds the notifications context and its adapters."""

from dependency_injector import containers, providers

from adapters.memory.notifications.deliveries import (
    MemoryDueDeliveries,
    MemoryReportedDeliveries,
    MemoryRestoredDeliveries,
)
from adapters.memory.notifications.delivery_figures import MemoryDeliveryFigures
from adapters.memory.notifications.in_doubt_deliveries import MemoryDeliveryList
from adapters.memory.notifications.unit_of_work import MemoryNotificationsUnitOfWork
from adapters.memory.notifications.vendor_standings import MemoryVendorStandings
from adapters.memory.students.roster import MemoryContacts
from adapters.system.staff import StaffContacts
from config.container.contacts import staff_contacts
from config.container.identity import Identity
from config.container.process import Process
from config.container.providers import given, lazy_imports, stored
from config.container.providers import use_cases as use_cases_of
from config.container.storage import Storage
from config.container.students import Students
from config.container.traces import traced
from config.container.vendors import Vendors
from core.notifications.use_cases import DispatchUseCases, NotificationsUseCases

with lazy_imports():
    from adapters.sql.notifications.deliveries import SqlDueDeliveries, SqlReportedDeliveries, SqlRestoredDeliveries
    from adapters.sql.notifications.delivery_figures import SqlDeliveryFigures
    from adapters.sql.notifications.in_doubt_deliveries import SqlDeliveryList
    from adapters.sql.notifications.unit_of_work import SqlNotificationsUnitOfWork
    from adapters.sql.notifications.vendor_standings import SqlVendorStandings
    from adapters.sql.students.roster import SqlContacts
    from adapters.telemetry.traced import with_traced_claims


class Notifications(containers.DeclarativeContainer):
    """Notices, deliveries, and their dispatch."""

    process = given(Process)
    storage = given(Storage)
    vendors = given(Vendors)
    identity = given(Identity)
    students = given(Students)
    persistence, clock, ids = process.persistence, process.clock, process.ids
    database, memory, transactions = storage.database, storage.memory, storage.transactions

    new_work = stored(
        persistence,
        sql=providers.Factory(SqlNotificationsUnitOfWork, transactions, clock, ids),
        memory=providers.Factory(MemoryNotificationsUnitOfWork, memory, clock, ids),
    )
    roster = stored(
        persistence,
        sql=providers.Singleton(SqlContacts, database, students.encrypted),
        memory=providers.Singleton(MemoryContacts, memory),
    )
    contacts = providers.Singleton(
        StaffContacts,
        providers.Callable(staff_contacts, process.settings),
        roster,
        identity.contacts,
    )
    due_deliveries = stored(
        persistence,
        sql=providers.Singleton(SqlDueDeliveries, database),
        memory=providers.Singleton(MemoryDueDeliveries, memory),
    )
    restored_deliveries = stored(
        persistence,
        sql=providers.Singleton(SqlRestoredDeliveries, database),
        memory=providers.Singleton(MemoryRestoredDeliveries, memory),
    )
    reported_deliveries = stored(
        persistence,
        sql=providers.Singleton(SqlReportedDeliveries, database),
        memory=providers.Singleton(MemoryReportedDeliveries, memory),
    )
    delivery_list = stored(
        persistence,
        sql=providers.Singleton(SqlDeliveryList, database),
        memory=providers.Singleton(MemoryDeliveryList, memory),
    )
    delivery_figures = stored(
        persistence,
        sql=providers.Singleton(SqlDeliveryFigures, database),
        memory=providers.Singleton(MemoryDeliveryFigures, memory),
    )
    vendor_standings = stored(
        persistence,
        sql=providers.Singleton(SqlVendorStandings, database),
        memory=providers.Singleton(MemoryVendorStandings),
    )

    use_cases = use_cases_of(
        NotificationsUseCases,
        storage.refusals,
        new_work=new_work,
        deliveries=delivery_list,
        reports=vendors.twilio_reports,
        vendor_standings=vendor_standings,
        clock=clock,
        ids=ids,
        lifetime=vendors.lifetime,
    )
    dispatch_use_cases = use_cases_of(
        DispatchUseCases,
        storage.refusals,
        new_work=providers.Factory(traced, with_traced_claims, new_work, process.tracer),
        due_deliveries=due_deliveries,
        reported_deliveries=reported_deliveries,
        contacts=contacts,
        templates=vendors.templates,
        late_facts=vendors.late_facts,
        email=vendors.email,
        sms=vendors.sms,
        attempt_log=vendors.attempt_log,
        outcome_lookup=vendors.outcome_lookup,
        vendor_standings=vendor_standings,
        process=process.name,
        signals=process.signals,
        clock=clock,
        leases=vendors.leases,
        absent_after=vendors.resend_after,
        person_after=vendors.manual_review_after,
    )

"""Builds the students context and its adapters."""

from dependency_injector import containers, providers

from adapters.memory.students.unit_of_work import MemoryStudentsUnitOfWork
from config.container.process import Process
from config.container.providers import given, lazy_imports, stored
from config.container.providers import use_cases as use_cases_of
from config.container.storage import Storage
from core.students.use_cases import StudentsUseCases

with lazy_imports():
    from adapters.contacts.parser import InternationalContactParser
    from adapters.sql.students.unit_of_work import SqlStudentsUnitOfWork


class Students(containers.DeclarativeContainer):
    """The roster."""

    process = given(Process)
    storage = given(Storage)

    new_work = stored(
        process.persistence,
        sql=providers.Factory(SqlStudentsUnitOfWork, storage.transactions, process.clock, process.ids),
        memory=providers.Factory(MemoryStudentsUnitOfWork, storage.memory, process.clock, process.ids),
    )

    contacts = providers.Singleton(InternationalContactParser, process.settings.provided.students.country)

    use_cases = use_cases_of(StudentsUseCases, storage.refusals, new_work=new_work, ids=process.ids, contacts=contacts)

"""Builds the runs of background jobs."""

from dependency_injector import containers, providers

from adapters.memory.jobs.runs import MemoryJobRuns
from config.container.process import Process
from config.container.providers import given, lazy_imports, stored
from config.container.providers import use_cases as use_cases_of
from config.container.storage import Storage
from core.jobs.use_cases import JobsUseCases

with lazy_imports():
    from adapters.sql.jobs.runs import SqlJobRuns


class Jobs(containers.DeclarativeContainer):
    """The leases and the outcomes of jobs."""

    process = given(Process)
    storage = given(Storage)

    runs = stored(
        process.persistence,
        sql=providers.Singleton(SqlJobRuns, storage.database),
        memory=providers.Singleton(MemoryJobRuns, storage.memory, process.clock),
    )
    use_cases = use_cases_of(JobsUseCases, storage.refusals, new_work=storage.new_work, runs=runs, holder=process.name)

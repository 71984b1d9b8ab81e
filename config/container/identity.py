"""Builds the identity context and its adapters."""

from dependency_injector import containers, providers

from adapters.memory.identity.accounts import MemoryAccountList
from adapters.memory.identity.api_keys import MemoryApiKeyList, MemoryIssuedApiKeys
from adapters.memory.identity.unit_of_work import MemoryIdentityUnitOfWork
from config.container.process import Process
from config.container.providers import given, lazy_imports, stored
from config.container.providers import use_cases as use_cases_of
from config.container.storage import Storage
from core.identity.api_keys.known_api_keys import KnownApiKeys
from core.identity.use_cases import IdentityUseCases

with lazy_imports():
    from adapters.sql.identity.accounts import SqlAccountList
    from adapters.sql.identity.api_keys import SqlApiKeyList, SqlIssuedApiKeys
    from adapters.sql.identity.unit_of_work import SqlIdentityUnitOfWork


class Identity(containers.DeclarativeContainer):
    """Accounts and their credentials."""

    process = given(Process)
    storage = given(Storage)

    new_work = stored(
        process.persistence,
        sql=providers.Factory(SqlIdentityUnitOfWork, storage.transactions, process.clock, process.ids),
        memory=providers.Factory(MemoryIdentityUnitOfWork, storage.memory, process.clock, process.ids),
    )
    account_list = stored(
        process.persistence,
        sql=providers.Singleton(SqlAccountList, storage.database),
        memory=providers.Singleton(MemoryAccountList, storage.memory),
    )

    api_key_list = stored(
        process.persistence,
        sql=providers.Singleton(SqlApiKeyList, storage.database),
        memory=providers.Singleton(MemoryApiKeyList, storage.memory),
    )
    issued_api_keys = stored(
        process.persistence,
        sql=providers.Singleton(SqlIssuedApiKeys, storage.database),
        memory=providers.Singleton(MemoryIssuedApiKeys, storage.memory),
    )
    known_api_keys = providers.Singleton(KnownApiKeys, issued_api_keys)

    use_cases = use_cases_of(
        IdentityUseCases,
        storage.refusals,
        new_work=new_work,
        account_list=account_list,
        api_key_list=api_key_list,
        known_api_keys=known_api_keys,
        max_api_key_days=process.settings.provided.identity.max_api_key_days,
        clock=process.clock,
        ids=process.ids,
    )

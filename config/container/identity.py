"""Builds the identity context and its adapters."""

import secrets
from collections.abc import Mapping
from datetime import timedelta

from dependency_injector import containers, providers

from adapters.memory.identity.accounts import MemoryAccountList
from adapters.memory.identity.api_keys import MemoryApiKeyList, MemoryIssuedApiKeys
from adapters.memory.identity.one_time_secrets import MemoryAccountContacts, MemorySecretFacts
from adapters.memory.identity.passwords import MemoryPasswordList
from adapters.memory.identity.sessions import MemorySessionViews
from adapters.memory.identity.unit_of_work import MemoryIdentityUnitOfWork
from adapters.system.installation_secret import installation_secret
from config.container.process import Process
from config.container.providers import given, lazy_imports, stored
from config.container.providers import use_cases as use_cases_of
from config.container.storage import Storage
from config.sections.identity import KNOWN_ISSUERS, OpenIdProvider
from core.identity.api_keys.known_api_keys import KnownApiKeys
from core.identity.codes.code_method import CodeCredential, CodeMethod
from core.identity.identity_provider import IdentityProvider
from core.identity.passwords.password_method import PasswordCredential, PasswordMethod
from core.identity.providers.provider_method import ProviderAnswer, ProviderMethod
from core.identity.sessions.refresh_batcher import RefreshBatcher
from core.identity.sessions.refused_sign_ins import RefusedSignIns
from core.identity.sessions.second_factor_check import SecondFactorCheck
from core.identity.sessions.session_issuer import SessionIssuer
from core.identity.sessions.session_watch import SessionWatch
from core.identity.sessions.sign_in_guard import SignInGuard
from core.identity.use_cases import IdentityUseCases
from core.kernel.clock import Clock

with lazy_imports():
    from adapters.argon2.password_hasher import Argon2PasswordHasher
    from adapters.oidc.provider import OidcProvider
    from adapters.sql.identity.accounts import SqlAccountList
    from adapters.sql.identity.api_keys import SqlApiKeyList, SqlIssuedApiKeys
    from adapters.sql.identity.one_time_secrets import SqlAccountContacts, SqlSecretFacts
    from adapters.sql.identity.passwords import SqlPasswordList
    from adapters.sql.identity.second_factors import encrypted_second_factors
    from adapters.sql.identity.sessions import SqlSessionViews
    from adapters.sql.identity.unit_of_work import SqlIdentityUnitOfWork
    from adapters.tokens.access_tokens import JwtAccessTokens, SealedKeyPairs
    from adapters.tokens.derived_keys import KeyedDigest, Seal
    from adapters.tokens.refresh_tokens import MarkedRefreshTokens
    from adapters.tokens.secret_box import DerivedSecretBox
    from adapters.totp.time_codes import PyotpTimeCodes


def beside(path: str) -> str:
    """Return the path of the file beside a database that holds the secret."""
    return f"{path}.secret"


def secret_of_the_process(given_secret: str) -> str:
    """Return the given secret, or one that is lost together with what the memory database holds."""
    return given_secret or secrets.token_urlsafe(48)


def identity_providers(
    providers_by_name: Mapping[str, OpenIdProvider], public_url: str, clock: Clock
) -> dict[str, IdentityProvider]:
    """Return the adapter of each named provider."""
    return {
        name: OidcProvider(
            issuer=provider.issuer or KNOWN_ISSUERS[name],
            client_id=provider.client_id,
            client_secret=provider.client_secret.reveal(),
            scopes=provider.scopes,
            callback=f"{public_url.rstrip('/')}/v1/sign-in/{name}/callback",
            clock=clock,
        )
        for name, provider in providers_by_name.items()
    }


class Identity(containers.DeclarativeContainer):
    """Accounts, their credentials and their sessions."""

    process = given(Process)
    storage = given(Storage)
    settings = process.settings.provided.identity

    encrypted = providers.Singleton(encrypted_second_factors, storage.column_cipher)
    new_work = stored(
        process.persistence,
        sql=providers.Factory(SqlIdentityUnitOfWork, storage.transactions, encrypted, process.clock, process.ids),
        memory=providers.Factory(MemoryIdentityUnitOfWork, storage.memory, process.clock, process.ids),
    )
    account_list = stored(
        process.persistence,
        sql=providers.Singleton(SqlAccountList, storage.database),
        memory=providers.Singleton(MemoryAccountList, storage.memory),
    )
    password_list = stored(
        process.persistence,
        sql=providers.Singleton(SqlPasswordList, storage.database),
        memory=providers.Singleton(MemoryPasswordList, storage.memory),
    )
    session_views = stored(
        process.persistence,
        sql=providers.Singleton(SqlSessionViews, storage.database),
        memory=providers.Singleton(MemorySessionViews, storage.memory),
    )

    secret = providers.Selector(
        process.persistence,
        mysql=providers.Callable(str, settings.secret.reveal.call()),
        sqlite=providers.Singleton(
            installation_secret,
            settings.secret.reveal.call(),
            providers.Callable(beside, process.settings.provided.sqlite.path),
        ),
        memory=providers.Singleton(secret_of_the_process, settings.secret.reveal.call()),
    )
    seal = providers.Singleton(Seal, secret, "signing keys")
    password_hasher = providers.Singleton(Argon2PasswordHasher)
    key_pairs = providers.Singleton(SealedKeyPairs, seal)
    access_tokens = providers.Singleton(JwtAccessTokens, seal, settings.issuer, settings.audience, process.clock)
    refresh_tokens = providers.Singleton(MarkedRefreshTokens, secret)

    session_watch = providers.Singleton(SessionWatch, session_views, access_tokens, process.clock)
    time_codes = providers.Singleton(PyotpTimeCodes, settings.issuer)
    second_factor_check = providers.Singleton(SecondFactorCheck, time_codes, process.clock)
    session_issuer = providers.Singleton(
        SessionIssuer,
        new_work=new_work.provider,
        access_tokens=access_tokens,
        refresh_tokens=refresh_tokens,
        session_watch=session_watch,
        second_factor_check=second_factor_check,
        clock=process.clock,
        ids=process.ids,
        access_lifetime=providers.Callable(timedelta, minutes=settings.access_minutes),
        refresh_lifetime=providers.Callable(timedelta, days=settings.refresh_days),
    )
    refresh_batcher = providers.Singleton(
        RefreshBatcher, new_work.provider, refresh_tokens, session_issuer, process.clock
    )
    sign_in_guard = providers.Singleton(
        SignInGuard,
        storage.rate_limiter,
        process.settings.provided.limits.wrong_passwords,
        process.settings.provided.limits.wrong_passwords_per_address,
    )
    refused_sign_ins = providers.Singleton(
        RefusedSignIns,
        new_work.provider,
        storage.rate_limiter,
        providers.Singleton(KeyedDigest, secret, "logins of refused sign-ins"),
    )
    password_method = providers.Singleton(
        PasswordMethod, password_list, password_hasher, sign_in_guard, refused_sign_ins
    )
    identity_providers = providers.Singleton(
        identity_providers, process.settings.provided.oidc, process.settings.provided.http.public_url, process.clock
    )
    provider_method = providers.Singleton(
        ProviderMethod, identity_providers, new_work.provider, session_watch, process.clock
    )
    secret_box = providers.Singleton(DerivedSecretBox, secret)
    code_method = providers.Singleton(
        CodeMethod, new_work.provider, secret_box, sign_in_guard, process.clock, process.ids
    )
    sign_in_methods = providers.Dict(
        {PasswordCredential: password_method, ProviderAnswer: provider_method, CodeCredential: code_method}
    )
    secret_facts = stored(
        process.persistence,
        sql=providers.Singleton(SqlSecretFacts, storage.database, secret_box, process.clock),
        memory=providers.Singleton(MemorySecretFacts, storage.memory, secret_box, process.clock),
    )
    contacts = stored(
        process.persistence,
        sql=providers.Singleton(SqlAccountContacts, storage.database),
        memory=providers.Singleton(MemoryAccountContacts, storage.memory),
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
    known_api_keys = providers.Singleton(
        KnownApiKeys,
        issued_api_keys,
        storage.rate_limiter,
        process.settings.provided.limits.unknown_keys_per_address,
    )

    use_cases = use_cases_of(
        IdentityUseCases,
        storage.refusals,
        new_work=new_work,
        account_list=account_list,
        password_list=password_list,
        session_views=session_views,
        password_hasher=password_hasher,
        key_pairs=key_pairs,
        access_tokens=access_tokens,
        refresh_tokens=refresh_tokens,
        session_watch=session_watch,
        session_issuer=session_issuer,
        refresh_batcher=refresh_batcher,
        sign_in_methods=sign_in_methods,
        sign_in_guard=sign_in_guard,
        time_codes=time_codes,
        second_factor_check=second_factor_check,
        secret_box=secret_box,
        rate_limiter=storage.rate_limiter,
        codes_per_registration=process.settings.provided.limits.codes_per_registration,
        api_key_list=api_key_list,
        known_api_keys=known_api_keys,
        max_api_key_days=process.settings.provided.identity.max_api_key_days,
        identity_providers=identity_providers,
        clock=process.clock,
        ids=process.ids,
    )

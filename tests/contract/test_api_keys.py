"""The contract of `ApiKeys`, `ApiKeyList` and `IssuedApiKeys`, for every adapter."""

import asyncio
from datetime import timedelta

import pytest

from config.container import Application
from core.identity.account import AccountRoles, NewAccount
from core.identity.api_key import IssuedApiKey, NewApiKey
from core.identity.credential import ApiKeyId
from core.identity.roles import Role
from core.kernel.authorization import Permission
from tests.databases import statements
from tests.examples import NOON, ids


async def issue(application: Application) -> IssuedApiKey:
    identity = application.use_cases().identity
    account = await identity.create_account(NewAccount(roles=(Role.SERVICE,), name="A portal"))
    asked = NewApiKey(account=account.id, name="प्रवेश", permissions=(Permission.STOCK_READ, Permission.STOCK_WRITE))
    return await identity.create_api_key(asked)


async def test_a_key_is_found_with_its_account(stored: Application) -> None:
    issued, database = await issue(stored), stored.identity.issued_api_keys()

    found = await database.find(issued.key.id)

    assert found.key.summary() == issued.key
    assert found.account.id == issued.key.account
    assert await database.find(ApiKeyId(ids.new())) is None


async def test_the_revision_changes_with_what_ends_a_credential_and_with_nothing_else(stored: Application) -> None:
    issued, database, identity = await issue(stored), stored.identity.issued_api_keys(), stored.use_cases().identity
    begin = await database.revision()
    other = await issue(stored)
    await database.record_use(other.key.id, NOON)
    assert await database.revision() == begin

    await identity.revoke_api_key(issued.key.id)
    after_key = await database.revision()
    await identity.disable_account(other.key.account)
    after_account = await database.revision()

    assert (await database.find(issued.key.id)).key.revoked_at is not None
    assert not (await database.find(other.key.id)).account.active
    await identity.enable_account(other.key.account)
    after_enabling = await database.revision()
    await identity.change_roles(other.key.account, AccountRoles(roles=(Role.AUDITOR,)))
    assert len({begin, after_key, after_account, after_enabling, await database.revision()}) == 5
    assert (await database.find(other.key.id)).principal("").permissions == {Permission.STOCK_READ}


async def test_the_latest_use_stays_on_record(stored: Application) -> None:
    issued, database = await issue(stored), stored.identity.issued_api_keys()
    for later in (0, 60, 30):
        await database.record_use(issued.key.id, NOON + timedelta(seconds=later))

    assert (await database.find(issued.key.id)).key.used_at == NOON + timedelta(seconds=60)


@pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
async def test_uses_that_wait_are_recorded_together_each_at_its_latest_moment(stored: Application) -> None:
    used, database = [(await issue(stored)).key.id for _ in range(5)], stored.identity.issued_api_keys()
    moments = [NOON + timedelta(seconds=seconds) for seconds in (4, 0, 3, 1, 2)]
    asked = statements(stored)

    earlier = (database.record_use(key, NOON - timedelta(seconds=1)) for key in used)
    await asyncio.gather(*map(database.record_use, used, moments), *earlier)

    assert len(asked) <= 4, "the first use alone, then those that waited, by powers of two"
    assert [(await database.find(key)).key.used_at for key in used] == moments


async def test_keys_are_listed_by_account_page_by_page(stored: Application) -> None:
    first, second, identity = await issue(stored), await issue(stored), stored.use_cases().identity

    page = await identity.list_api_keys(None, None, 1)
    rest = await identity.list_api_keys(None, page.next, 1)

    assert [*page.items, *rest.items] == [first.key, second.key]
    assert (page.next, rest.next) == (first.key.id, None)
    assert (await identity.list_api_keys(second.key.account, None, 9)).items == (second.key,)

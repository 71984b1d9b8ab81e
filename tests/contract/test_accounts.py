"""The contract of `Accounts` and `AccountList`, for every adapter."""

from dataclasses import replace

import pytest

from config.container import Application
from core.identity.account import Account, AccountId, NewAccount
from core.identity.errors import UnknownAccount
from core.identity.roles import PERMISSIONS, Role
from core.kernel.authorization import NotPermitted, Permission, Principal, acting_as
from tests.examples import ids
from tests.units_of_work import any_work

CLERK = NewAccount(roles=(Role.CLERK,), name="अनिता देशपांडे", email="anita@example.org", centre="PUNE-01")


async def kept(application: Application, account: AccountId) -> Account | None:
    async with any_work(application) as work:
        found: Account | None = await work.accounts.find(account)
    return found


async def test_an_account_is_kept_as_it_was_created(stored: Application) -> None:
    student = ids.new()
    clerk = await stored.use_cases().identity.create_account(CLERK)
    candidate = await stored.use_cases().identity.create_account(
        NewAccount(roles=(Role.CANDIDATE,), name="Ravi", student=student)
    )

    assert await kept(stored, clerk.id) == clerk
    assert await kept(stored, candidate.id) == candidate
    assert await kept(stored, AccountId(ids.new())) is None
    principal = clerk.principal("192.0.2.7")
    assert (principal.subject, principal.account) == (f"account:{clerk.id}", clerk.id)
    assert (principal.centre, principal.student, principal.address) == ("PUNE-01", None, "192.0.2.7")
    assert principal.permissions == PERMISSIONS[Role.CLERK]
    assert candidate.principal().student == student


async def test_a_disabled_account_stays_on_record(stored: Application) -> None:
    identity = stored.use_cases().identity
    account = await identity.create_account(CLERK)

    assert await identity.disable_account(account.id) == replace(account, active=False, version=2)
    assert await identity.disable_account(account.id) == replace(account, active=False, version=2)
    assert await kept(stored, account.id) == replace(account, active=False, version=2)
    with pytest.raises(UnknownAccount):
        await identity.disable_account(AccountId(ids.new()))


async def test_accounts_are_listed_page_by_page(stored: Application) -> None:
    identity = stored.use_cases().identity
    created = [await identity.create_account(CLERK) for _ in range(5)]

    first = await identity.list_accounts(None, 2)
    second = await identity.list_accounts(first.next, 2)
    last = await identity.list_accounts(second.next, 2)

    assert [*first.items, *second.items, *last.items] == created
    assert (first.next, last.next) == (created[1].id, None)


async def test_an_account_gives_no_role_that_permits_more_than_its_own(stored: Application) -> None:
    giver = Principal(subject="account:1", permissions=frozenset({Permission.ACCOUNTS_WRITE}))
    with acting_as(giver), pytest.raises(NotPermitted, match="submissions:read"):
        await stored.use_cases().identity.create_account(CLERK)

"""A caller with fewer permissions than an account neither takes it over nor shuts it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from core.identity.account import AccountId, AccountRoles, NewAccount
from core.identity.api_key import NewApiKey
from core.identity.errors import AccountDisabled, LinkNotValid
from core.identity.roles import PERMISSIONS, Role
from core.kernel.authorization import NotPermitted, Permission, Principal, StepUpNeeded, acting_as
from core.kernel.errors import Invalid, Unprocessable
from core.messaging.routing import Routes
from tests.applications import an_application
from tests.unit.identity.harness import GOOD_PASSWORD, Office

NARROW = Principal(
    subject="account:1",
    permissions=PERMISSIONS[Role.OFFICER] | {Permission.ACCOUNTS_WRITE, Permission.API_KEYS_WRITE},
    fresh=True,
)
"""What an API key of an administrator may have left."""
STUDENT = UUID(int=7)
Deed = Callable[[Any, AccountId, Role], Awaitable[Any]]
DEEDS: dict[str, Deed] = {
    "create an account": lambda identity, _, role: identity.create_account(NewAccount(roles=(role,), name="Asha")),
    "give a login": lambda identity, account, _: identity.create_password_link(account, "asha.k"),
    "disable": lambda identity, account, _: identity.disable_account(account),
    "enable": lambda identity, account, _: identity.enable_account(account),
    "give the role": lambda identity, _, role: give(identity, role),
    "take the role": lambda identity, account, _: identity.change_roles(account, AccountRoles(roles=(Role.OFFICER,))),
    "create a key": lambda identity, account, role: identity.create_api_key(
        NewApiKey(account=account, name="tests", permissions=tuple(PERMISSIONS[role]))
    ),
}


async def give(identity: Any, role: Role) -> None:
    """Give a role to an account without power."""
    account = await identity.create_account(NewAccount(roles=(Role.SERVICE,), name="A portal"))
    await identity.change_roles(account.id, AccountRoles(roles=(role,)))


@pytest.fixture
async def office() -> Office:
    return await Office.over(an_application(routes=Routes())).open()


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
async def test_who_may_do_less_than_an_account_has_no_power_over_it(office: Office, deed: Deed) -> None:
    officer, administrator = await office.account(), await office.account(Role.ADMINISTRATOR)

    with acting_as(NARROW):
        with pytest.raises(NotPermitted, match="audit:read"):
            await deed(office.identity, administrator.id, Role.ADMINISTRATOR)
        await deed(office.identity, officer.id, Role.OFFICER)


async def test_a_reset_by_a_narrower_caller_leaves_the_password_as_it_is(office: Office) -> None:
    administrator = await office.account(Role.ADMINISTRATOR)
    link = await office.identity.create_password_link(administrator.id, "meenakshi")
    with acting_as(NARROW), pytest.raises(NotPermitted):
        await office.identity.create_password_link(administrator.id)

    await office.identity.set_password(link.token, GOOD_PASSWORD)


async def test_a_login_that_no_account_can_have_is_refused_also_where_there_is_one(office: Office) -> None:
    account = await office.with_password()
    with pytest.raises(Invalid, match="login"):
        await office.identity.create_password_link(account.id, "")


async def test_a_disabled_account_gets_no_link_and_uses_none(office: Office) -> None:
    account = await office.account()
    link = await office.identity.create_password_link(account.id, "meenakshi")
    await office.identity.disable_account(account.id)

    with pytest.raises(AccountDisabled):
        await office.identity.create_password_link(account.id)
    with pytest.raises(LinkNotValid):
        await office.identity.set_password(link.token, GOOD_PASSWORD)


@pytest.mark.parametrize("change", [AccountRoles(roles=(Role.OFFICER,)), None], ids=["roles", "enabling"])
async def test_power_over_an_account_needs_a_fresh_proof(office: Office, change: AccountRoles | None) -> None:
    account, stale = await office.account(), replace(NARROW, fresh=False)
    identity = office.identity
    with acting_as(stale), pytest.raises(StepUpNeeded):
        await (identity.change_roles(account.id, change) if change else identity.enable_account(account.id))


@pytest.mark.parametrize(
    ("student", "asked"),
    [
        (None, AccountRoles(roles=(Role.CANDIDATE,))),
        (STUDENT, AccountRoles(roles=(Role.OFFICER,))),
        (None, AccountRoles(roles=(Role.CLERK,))),
        (None, AccountRoles(roles=(Role.OFFICER,), centre="PUNE-01")),
        (None, AccountRoles(roles=(Role.CLERK, Role.OFFICER), centre="PUNE-01")),
    ],
)
async def test_an_account_gets_no_roles_that_contradict_its_reach(
    office: Office, student: UUID | None, asked: AccountRoles
) -> None:
    role = Role.CANDIDATE if student else Role.OFFICER
    account = await office.identity.create_account(NewAccount(roles=(role,), name="Asha", student=student))
    with pytest.raises(Unprocessable):
        await office.identity.change_roles(account.id, asked)

    assert (await office.identity.list_accounts(None, 9)).items == (account,)

"""Accounts over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from core.identity.account import Account, AccountId, AccountPage, AccountRoles, NewAccount
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.idempotency import IDEMPOTENCY_KEY, Idempotency
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems
from entrypoints.http.query_parameters import DEFAULT_LIMIT, Limit


class AccountsController(Controller):
    """Creates, lists, changes, disables and enables accounts."""

    path = "/v1/accounts"
    tags = ("Accounts",)

    @post(
        operation_id="createAccount",
        before_request=json_only,
        sent_headers=(IDEMPOTENCY_KEY,),
        responses=problems(400, 409, 413, 415, 422, 503),
    )
    async def create(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[NewAccount],
        use_cases: Wired[UseCases],
        idempotency: Wired[Idempotency],
    ) -> Response[Account]:
        """Create an account, which has no credential yet; its roles permit at most what the caller may do."""
        context = await idempotency.context(request)
        return await idempotency.respond(context, use_cases.identity.create_account(data, context))

    @get(operation_id="listAccounts", responses=problems(400, 503))
    async def list_all(
        self,
        use_cases: Wired[UseCases],
        after: Annotated[UUID | None, QueryParameter(description="`next` of the previous page")] = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> AccountPage:
        """List the accounts, the oldest first."""
        return await use_cases.identity.list_accounts(AccountId(after) if after else None, limit)

    @post(
        "/{account:uuid}/disable",
        operation_id="disableAccount",
        status_code=200,
        responses=problems(400, 404, 503),
    )
    async def disable(self, account: FromPath[UUID], use_cases: Wired[UseCases]) -> Account:
        """Take the right to act from an account; its credentials are refused everywhere within a second."""
        return await use_cases.identity.disable_account(AccountId(account))

    @post(
        "/{account:uuid}/enable",
        operation_id="enableAccount",
        status_code=200,
        responses=problems(400, 404, 409, 503),
    )
    async def enable(self, account: FromPath[UUID], use_cases: Wired[UseCases]) -> Account:
        """Give a disabled account the right to act again; its password and the keys that were not revoked are valid."""
        return await use_cases.identity.enable_account(AccountId(account))

    @put(
        "/{account:uuid}/roles",
        operation_id="changeRoles",
        before_request=json_only,
        responses=problems(400, 404, 413, 415, 422, 503),
    )
    async def change_roles(
        self, account: FromPath[UUID], data: JSONBody[AccountRoles], use_cases: Wired[UseCases]
    ) -> Account:
        """Replace the roles and the centre of an account; its sessions end, its keys are narrowed within a second."""
        return await use_cases.identity.change_roles(AccountId(account), data)

"""Accounts over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from core.identity.account import Account, AccountId, AccountPage, NewAccount
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.idempotency import Idempotency, IdempotencyKey
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems
from entrypoints.http.query_parameters import DEFAULT_LIMIT, Limit


class AccountsController(Controller):
    """Creates, lists and disables accounts."""

    path = "/v1/accounts"
    tags = ("Accounts",)

    @post(
        operation_id="createAccount",
        before_request=json_only,
        responses=problems(400, 409, 413, 415, 422, 503),
    )
    async def create(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[NewAccount],
        idempotency_key: IdempotencyKey,
        use_cases: Wired[UseCases],
        idempotency: Wired[Idempotency],
    ) -> Response[Account]:
        """Create an account, which has no credential yet; its roles permit at most what the caller may do."""
        context = await idempotency.context(request, idempotency_key)
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

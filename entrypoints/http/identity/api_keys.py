"""API keys over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from core.identity.api_key import ApiKeyPage, ApiKeySummary, IssuedApiKey, NewApiKey
from core.identity.credential import ApiKeyId
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.identity.sessions import NOT_STORED
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems
from entrypoints.http.query_parameters import DEFAULT_LIMIT, Limit


class ApiKeysController(Controller):
    """Creates, lists and revokes API keys."""

    path = "/v1/api-keys"
    tags = ("API keys",)

    # Without an idempotency key: the answer that it would keep for a day is a credential.
    @post(
        operation_id="createApiKey",
        before_request=json_only,
        cache_control=NOT_STORED,
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def create(self, data: JSONBody[NewApiKey], use_cases: Wired[UseCases]) -> IssuedApiKey:
        """Create an API key, and show it this once; no answer is stored.

        A repeated request creates another key: after a lost answer, list the keys and revoke the one without a use.
        """
        return await use_cases.identity.create_api_key(data)

    @get(operation_id="listApiKeys", responses=problems(400, 503))
    async def list_all(
        self,
        use_cases: Wired[UseCases],
        account: Annotated[UUID | None, QueryParameter(description="Only the keys of this account")] = None,
        after: Annotated[UUID | None, QueryParameter(description="`next` of the previous page")] = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> ApiKeyPage:
        """List API keys, the oldest first; none can be shown again."""
        return await use_cases.identity.list_api_keys(account, ApiKeyId(after) if after else None, limit)

    @post(
        "/{key:uuid}/revoke",
        operation_id="revokeApiKey",
        status_code=200,
        responses=problems(400, 404, 503),
    )
    async def revoke(self, key: FromPath[UUID], use_cases: Wired[UseCases]) -> ApiKeySummary:
        """Make an API key invalid, everywhere within a second."""
        return await use_cases.identity.revoke_api_key(key)

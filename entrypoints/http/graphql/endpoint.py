"""The endpoint of GraphQL: queries of programs that choose their fields."""

from typing import Annotated, Any, Protocol

import msgspec
from litestar import Response, post
from litestar.params import JSONBody

from entrypoints.http.dependencies import Wired
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import Problem, problems
from entrypoints.http.query_limits import QUERIES, GraphQLDisabled
from entrypoints.http.strict_json import as_json

MAX_TEXT = 8_192


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A GraphQL request."""

    query: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]
    """The text of the query; `docs/reference/schema.graphql` has what can be asked."""
    operation_name: str | None = None
    """Which operation of the text is executed; needed where it has several."""
    variables: dict[str, Any] | None = None
    """The values of the variables."""
    extensions: dict[str, Any] | None = None
    """Ignored."""


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the text of a query, from 1."""

    line: int
    column: int


class QueryProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a query, or with one of its fields."""

    message: str
    path: list[str | int] | msgspec.UnsetType = msgspec.UNSET
    """The field without an answer; absent: the query was not executed."""
    locations: list[Location] | msgspec.UnsetType = msgspec.UNSET
    extensions: Problem
    """The problem, as the HTTP API would answer it."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A GraphQL response."""

    data: dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET
    """What was asked for, in the same shape; absent for a query that was not executed."""
    errors: list[QueryProblem] | msgspec.UnsetType = msgspec.UNSET


class Executes(Protocol):
    """Answers queries."""

    async def __call__(self, asked: Query) -> Answer:
        """Return the data and the errors."""


@post(
    QUERIES,
    operation_id="query",
    tags=("GraphQL",),
    status_code=200,
    before_request=json_only,
    responses=problems(400, 404, 413, 415, 503),
)
async def query(data: JSONBody[Query], graphql: Wired[Executes | None]) -> Response[Answer]:
    """Answer a GraphQL query: read-only, with the permissions of the caller, within the limits of the office."""
    if graphql is None:
        raise GraphQLDisabled("GraphQL is switched off here: `graphql.enabled`")
    return as_json(await graphql(data))

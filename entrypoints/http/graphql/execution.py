"""Executes GraphQL queries; each error is a problem of the HTTP API."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import structlog
from graphql import GraphQLError, parse
from msgspec import UNSET

from core.kernel.errors import CoreError, Invalid, problem_type
from core.kernel.trace import current_trace
from core.use_cases import UseCases
from entrypoints.http.graphql.cost import check_cost
from entrypoints.http.graphql.endpoint import Answer, Location, Query, QueryProblem
from entrypoints.http.graphql.queries import PAGES, SCHEMA
from entrypoints.http.problems import INTERNAL_ERROR, STATUS_TITLES, Problem, as_problem
from entrypoints.http.query_limits import QueryLimits

log = structlog.get_logger()


class Executor:
    """Answers queries with the use cases of the office."""

    def __init__(self, use_cases: UseCases, limits: QueryLimits) -> None:
        self._use_cases, self._limits = use_cases, limits

    async def __call__(self, asked: Query) -> Answer:
        """Return the data, and what is wrong with the query or with some of its fields."""
        variables = asked.variables or {}
        try:
            check_cost(parse(asked.query, max_tokens=self._limits.max_tokens), variables, PAGES, self._limits)
        except GraphQLError as error:
            return Answer(errors=[*problems([error])])
        except CoreError as error:
            return Answer(errors=[described(as_problem(error))])
        found = await SCHEMA.execute(asked.query, variables, self._use_cases, operation_name=asked.operation_name)
        errors = [*problems(found.errors or ())]
        if found.data is None and all(each.path is UNSET for each in errors):
            return Answer(errors=errors)
        return Answer(data=found.data, errors=errors or UNSET)


def problems(errors: Sequence[GraphQLError]) -> Iterator[QueryProblem]:
    """Yield what the caller learns of errors; the log has what is wrong with the office."""
    for error in errors:
        places = [Location(line=each.line, column=each.column) for each in error.locations or ()]
        yield described(problem_of(error), path=error.path or UNSET, locations=places or UNSET)


def described(problem: Problem, **more: Any) -> QueryProblem:
    """Return a problem as GraphQL has it."""
    traced = msgspec.structs.replace(problem, trace_id=current_trace.get().id or None)
    return QueryProblem(message=problem.detail or problem.title, extensions=traced, **more)


def problem_of(error: GraphQLError) -> Problem:
    """Return the problem of an error: of a use case, of the query, or of the office."""
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if isinstance(cause, CoreError):
        return as_problem(cause)
    if cause is None:
        return Problem(type=problem_type(Invalid), title=STATUS_TITLES[400], status=400, detail=error.message)
    log.error("internal_error", method="POST", path=error.path and ".".join(map(str, error.path)), exc_info=cause)
    return INTERNAL_ERROR

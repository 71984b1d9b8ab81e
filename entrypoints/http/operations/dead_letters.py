"""Dead letters over HTTP: list, show, replay and drop."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from core.kernel.decisions import Decision, Why
from core.kernel.period import Moment
from core.messaging.dead_letters import DeadLetterFilter, DeadLetterState, Word
from core.messaging.list_dead_letters import DeadLetterPage
from core.messaging.show_dead_letter import DeadLetterWithMessage
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.media_types import json_only
from entrypoints.http.operations.bulk_dead_letters import BulkSettlementBody, BulkSettlementReport, settle
from entrypoints.http.problems import problems
from entrypoints.http.query_parameters import DEFAULT_LIMIT, Limit, period

READ, SETTLE = problems(400, 404, 422, 503), problems(400, 404, 409, 413, 415, 422, 503)


class DecisionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The reason of a decision of the caller."""

    why: Why


class DeadLettersController(Controller):
    """Lists, shows, replays and drops dead letters."""

    path = "/v1"
    tags = ("Dead letters",)

    @get("/dead-letters", operation_id="listDeadLetters", responses=READ)
    async def list_all(
        self,
        use_cases: Wired[UseCases],
        context: Annotated[Word | None, QueryParameter(description="The context of the topic: fees.commands")] = None,
        kind: Annotated[Word | None, QueryParameter(name="type", description="The type of the message")] = None,
        reason: Annotated[
            Word | None, QueryParameter(description="The error because of which the message was buried")
        ] = None,
        since: Annotated[
            Moment | None, QueryParameter(name="from", description="Buried at this moment or later")
        ] = None,
        until: Annotated[Moment | None, QueryParameter(name="to", description="Buried before this moment")] = None,
        letter_state: Annotated[DeadLetterState, QueryParameter(name="state")] = DeadLetterState.BURIED,
        after: Annotated[UUID | None, QueryParameter(description="`next` of the previous page")] = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> DeadLetterPage:
        """List dead letters, the newest first."""
        buried = period(since, until)
        which = DeadLetterFilter(state=letter_state, context=context, type=kind, reason=reason, buried=buried)
        return await use_cases.messaging.list_dead_letters(which, after, limit)

    @get("/dead-letters/{letter:uuid}", operation_id="showDeadLetter", responses=READ)
    async def show(self, letter: FromPath[UUID], use_cases: Wired[UseCases]) -> DeadLetterWithMessage:
        """Show a dead letter with its message and the decision about it."""
        return await use_cases.messaging.show_dead_letter(letter)

    @post(
        "/dead-letters/{letter:uuid}/replay",
        operation_id="replayDeadLetter",
        status_code=200,
        before_request=json_only,
        responses=SETTLE,
    )
    async def replay(
        self,
        letter: FromPath[UUID],
        data: JSONBody[DecisionBody],
        use_cases: Wired[UseCases],
    ) -> DeadLetterWithMessage:
        """Replay a dead letter: its message takes effect now; a second replay is refused."""
        await use_cases.messaging.replay_dead_letter(letter, Decision.of_caller(data.why))
        return await use_cases.messaging.show_dead_letter(letter)

    @post(
        "/dead-letters/{letter:uuid}/drop",
        operation_id="dropDeadLetter",
        status_code=200,
        before_request=json_only,
        responses=SETTLE,
    )
    async def drop(
        self,
        letter: FromPath[UUID],
        data: JSONBody[DecisionBody],
        use_cases: Wired[UseCases],
    ) -> DeadLetterWithMessage:
        """Drop a dead letter for good; a second decision is refused."""
        await use_cases.messaging.drop_dead_letter(letter, Decision.of_caller(data.why))
        return await use_cases.messaging.show_dead_letter(letter)

    @post(
        "/dead-letters:replay",
        operation_id="replayDeadLetters",
        status_code=200,
        before_request=json_only,
        responses=SETTLE,
    )
    async def replay_all(
        self,
        data: JSONBody[BulkSettlementBody],
        use_cases: Wired[UseCases],
    ) -> BulkSettlementReport:
        """Replay all dead letters that match the filters, the oldest first; without `confirm`, only report them."""
        return await settle(data, use_cases.messaging.replay_dead_letter, use_cases.messaging)

    @post(
        "/dead-letters:drop",
        operation_id="dropDeadLetters",
        status_code=200,
        before_request=json_only,
        responses=SETTLE,
    )
    async def drop_all(
        self,
        data: JSONBody[BulkSettlementBody],
        use_cases: Wired[UseCases],
    ) -> BulkSettlementReport:
        """Drop all dead letters that match the filters, the oldest first; without `confirm`, only report them."""
        return await settle(data, use_cases.messaging.drop_dead_letter, use_cases.messaging)

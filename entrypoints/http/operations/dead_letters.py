"""Dead letters over HTTP, for whoever is on duty."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from core.kernel.decisions import Decision
from core.messaging.dead_letters import DeadLetterFilter, DeadLetterState
from core.messaging.list_dead_letters import DeadLetterPage, ListDeadLetters
from core.messaging.preview_dead_letters import PreviewDeadLetters
from core.messaging.settle_dead_letters import SettleDeadLetters
from core.messaging.show_dead_letter import DeadLetterWithMessage, ShowDeadLetter
from entrypoints.http.dependencies import Wired
from entrypoints.http.media_types import json_only
from entrypoints.http.operations.bulk_dead_letters import BulkSettlementBody, BulkSettlementReport, period, settle
from entrypoints.http.problems import problems

READ, SETTLE = problems(400, 404, 503), problems(400, 404, 409, 413, 415, 503)


class DecisionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who decides, and why."""

    who: str
    why: str


class DeadLettersController(Controller):
    """Look at dead letters, replay them, drop them."""

    path = "/v1"
    tags = ("Dead letters",)

    @get("/dead-letters", responses=READ)
    async def list_all(
        self,
        list_dead_letters: Wired[ListDeadLetters],
        context: Annotated[str | None, QueryParameter(description="The context of its topic: fees.commands")] = None,
        kind: Annotated[str | None, QueryParameter(name="type", description="The type of the message")] = None,
        reason: Annotated[str | None, QueryParameter(description="The error that buried it")] = None,
        since: Annotated[datetime | None, QueryParameter(name="from", description="Buried from then on")] = None,
        until: Annotated[datetime | None, QueryParameter(name="to", description="Buried before then")] = None,
        letter_state: Annotated[DeadLetterState, QueryParameter(name="state")] = DeadLetterState.BURIED,
        after: Annotated[UUID | None, QueryParameter(description="`next` of the page before")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
    ) -> DeadLetterPage:
        """List dead letters, the latest first."""
        buried = period(since, until)
        which = DeadLetterFilter(state=letter_state, context=context, type=kind, reason=reason, buried=buried)
        return await list_dead_letters(which, after, limit)

    @get("/dead-letters/{letter:uuid}", responses=READ)
    async def show(self, letter: FromPath[UUID], show_dead_letter: Wired[ShowDeadLetter]) -> DeadLetterWithMessage:
        """Show a dead letter with its content and what was done about it."""
        return await show_dead_letter(letter)

    @post("/dead-letters/{letter:uuid}/replay", status_code=200, before_request=json_only, responses=SETTLE)
    async def replay(
        self,
        letter: FromPath[UUID],
        data: JSONBody[DecisionBody],
        replay_dead_letter: Wired[Any],
        show_dead_letter: Wired[ShowDeadLetter],
    ) -> DeadLetterWithMessage:
        """Let a message take effect as it would have; a second time is refused."""
        await replay_dead_letter(letter, Decision(who=data.who, why=data.why))
        return await show_dead_letter(letter)

    @post("/dead-letters/{letter:uuid}/drop", status_code=200, before_request=json_only, responses=SETTLE)
    async def drop(
        self,
        letter: FromPath[UUID],
        data: JSONBody[DecisionBody],
        drop_dead_letter: Wired[Any],
        show_dead_letter: Wired[ShowDeadLetter],
    ) -> DeadLetterWithMessage:
        """Give a message up for good; a second time is refused."""
        await drop_dead_letter(letter, Decision(who=data.who, why=data.why))
        return await show_dead_letter(letter)

    @post("/dead-letters:replay", status_code=200, before_request=json_only, responses=SETTLE)
    async def replay_all(
        self,
        data: JSONBody[BulkSettlementBody],
        replay_dead_letter: Wired[Any],
        preview_dead_letters: Wired[PreviewDeadLetters],
        settle_dead_letters: Wired[SettleDeadLetters],
    ) -> BulkSettlementReport:
        """Replay all that the filters find, the oldest first; without `confirm` only tell which those are."""
        return await settle(data, replay_dead_letter, preview_dead_letters, settle_dead_letters)

    @post("/dead-letters:drop", status_code=200, before_request=json_only, responses=SETTLE)
    async def drop_all(
        self,
        data: JSONBody[BulkSettlementBody],
        drop_dead_letter: Wired[Any],
        preview_dead_letters: Wired[PreviewDeadLetters],
        settle_dead_letters: Wired[SettleDeadLetters],
    ) -> BulkSettlementReport:
        """Drop all that the filters find, the oldest first; without `confirm` only tell which those are."""
        return await settle(data, drop_dead_letter, preview_dead_letters, settle_dead_letters)

"""Many dead letters in one request: first a look, then what was seen is confirmed."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from core.kernel.decisions import Decision, Why
from core.kernel.errors import CoreError, Unprocessable, problem_type
from core.kernel.pace import MAX_STEPS_PER_SECOND, Pace
from core.kernel.period import Moment
from core.messaging.dead_letters import (
    DeadLetter,
    DeadLetterFilter,
    DeadLetterGroup,
    LettersChanged,
    TooManyLetters,
    Word,
)
from core.messaging.settle_dead_letters import Settle, SettlementProgress
from core.messaging.use_cases import MessagingUseCases
from entrypoints.http.query_parameters import period

MAX_DEAD_LETTERS_PER_REQUEST = 1_000
"""Letters of one request, which should not take longer than its client waits."""
MAX_REQUEST_SECONDS = 60
"""Seconds of one request that is to go slowly."""


class BulkSettlementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which dead letters are to be settled, and why."""

    why: Why
    context: Word | None = None
    type: Word | None = None
    reason: Word | None = None
    since: Moment | None = msgspec.field(name="from", default=None)
    until: Moment | None = msgspec.field(name="to", default=None)
    confirm: Annotated[int, msgspec.Meta(ge=0, le=MAX_DEAD_LETTERS_PER_REQUEST)] | None = None
    """The `count` of a request without this, which changes nothing."""
    rate: Annotated[int, msgspec.Meta(ge=1, le=MAX_STEPS_PER_SECOND)] | None = None
    """At most so many letters a second; all of them must fit into a minute."""

    def which(self) -> DeadLetterFilter:
        """Return what the core calls it."""
        buried = period(self.since, self.until)
        return DeadLetterFilter(context=self.context, type=self.type, reason=self.reason, buried=buried)


class SettlementFailure(msgspec.Struct, frozen=True):
    """A letter that was not settled."""

    id: UUID
    problem: str
    detail: str


class BulkSettlementReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, and what was done."""

    count: int
    groups: tuple[DeadLetterGroup, ...]
    first: tuple[DeadLetter, ...]
    """The oldest few."""
    to: datetime
    """What was buried from then on is not among them."""
    done: int | None = None
    """How many were settled; null when this was only a look."""
    failures: list[SettlementFailure]


async def settle(data: BulkSettlementBody, act: Settle, messaging: MessagingUseCases) -> BulkSettlementReport:
    """Settle the dead letters that the request confirms; without `confirm`, only report them."""
    decision, preview = Decision.of_caller(data.why), await messaging.preview_dead_letters(data.which())
    failures = list[SettlementFailure]()

    def note(_: SettlementProgress, letter: UUID, error: CoreError | None) -> None:
        if error is not None:
            failures.append(SettlementFailure(letter, problem_type(type(error)), str(error)))

    done = None
    if data.confirm is not None:
        check(data.confirm, preview.count, data.rate)
        done = (await messaging.settle_dead_letters(preview, act, decision, Pace(data.rate), note)).settled
    return BulkSettlementReport(
        count=preview.count,
        groups=preview.groups,
        first=preview.first,
        to=preview.which.buried.until,
        done=done,
        failures=failures,
    )


def check(confirmed: int, count: int, rate: int | None) -> None:
    """Raise where the count is not the confirmed one, or the request would take too long."""
    facts = {"count": str(count)}
    if count > MAX_DEAD_LETTERS_PER_REQUEST:
        raise TooManyLetters(
            f"{count} are too many for one request, which settles {MAX_DEAD_LETTERS_PER_REQUEST}", facts=facts
        )
    if count != confirmed:
        raise LettersChanged(f"{confirmed} were confirmed, and there are {count}", at="$.confirm", facts=facts)
    if rate is not None and count > rate * MAX_REQUEST_SECONDS:
        raise Unprocessable(
            f"{count} at {rate} a second take longer than {MAX_REQUEST_SECONDS} s", at="$.rate", facts=facts
        )

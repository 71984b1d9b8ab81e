"""Many dead letters in one request: first a look, then what was seen is confirmed."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import msgspec

from core.kernel.decisions import Decision
from core.kernel.errors import CoreError, Invalid, problem_type
from core.kernel.pace import MAX_STEPS_PER_SECOND, Pace
from core.kernel.period import MAX_MOMENT, MIN_MOMENT, Period
from core.messaging.dead_letters import DeadLetter, DeadLetterFilter, DeadLetterGroup, LettersChanged, TooManyLetters
from core.messaging.preview_dead_letters import PreviewDeadLetters
from core.messaging.settle_dead_letters import SettleDeadLetters

MAX_DEAD_LETTERS_PER_REQUEST = 1_000
"""Letters of one request, which should not take longer than its client waits."""
MAX_REQUEST_SECONDS = 60
"""Seconds of one request that is to go slowly."""


class BulkSettlementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which dead letters are to be settled, by whom, and why."""

    who: str
    why: str
    context: str | None = None
    type: str | None = None
    reason: str | None = None
    since: datetime | None = msgspec.field(name="from", default=None)
    until: datetime | None = msgspec.field(name="to", default=None)
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


async def settle(
    data: BulkSettlementBody, act: Any, survey: PreviewDeadLetters, settle_all: SettleDeadLetters
) -> BulkSettlementReport:
    """Settle what was confirmed, or tell what there is to be confirmed."""
    decision, found = Decision(who=data.who, why=data.why), await survey(data.which())
    done, failures = 0, list[SettlementFailure]()

    def told(letter: UUID, refusal: CoreError | None) -> None:
        nonlocal done
        done += refusal is None
        if refusal is not None:
            failures.append(SettlementFailure(letter, problem_type(type(refusal)), str(refusal)))

    if data.confirm is not None:
        check(data.confirm, found.count, data.rate)
        await settle_all(found.which, partial(one, act, decision), Pace(data.rate), told)
    return BulkSettlementReport(
        count=found.count,
        groups=found.groups,
        first=found.first,
        to=found.which.buried.until,
        done=None if data.confirm is None else done,
        failures=failures,
    )


async def one(act: Any, decision: Decision, letter: UUID) -> None:
    """Settle one letter of many."""
    await act(letter, decision)


def check(confirmed: int, count: int, rate: int | None) -> None:
    """Refuse what nobody has seen, and what takes too long."""
    facts = {"count": str(count)}
    if count > MAX_DEAD_LETTERS_PER_REQUEST:
        raise TooManyLetters(
            f"{count} are too many for one request, which settles {MAX_DEAD_LETTERS_PER_REQUEST}", facts=facts
        )
    if count != confirmed:
        raise LettersChanged(f"{confirmed} were confirmed, and there are {count}", at="$.confirm", facts=facts)
    if rate is not None and count > rate * MAX_REQUEST_SECONDS:
        raise Invalid(f"{count} at {rate} a second take longer than {MAX_REQUEST_SECONDS} s", at="$.rate", facts=facts)


def period(since: datetime | None, until: datetime | None) -> Period:
    """Return from when to when."""
    return Period(since=since or MIN_MOMENT, until=until or MAX_MOMENT)

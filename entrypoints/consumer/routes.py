"""Which message drives which use case: the one place where contexts meet."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from core.fees.choice import Choice
from core.fees.submission import FeeSubmitted
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.notifications.delivery import Notice, StudentId
from core.shared.errors import CoreError, Unavailable
from core.shared.inbox import DEAD_LETTERS, Take
from core.shared.messages import Message
from core.shared.money import Money
from core.shared.requests import Request
from core.shared.trace import tracing

UseCases = Mapping[str, Callable[..., Callable[..., Awaitable[Any]]]]
"""Makers of use cases by name; each takes the unit of work to do its work in."""
NewWork = Callable[[], Any]
Kind = tuple[str, str]
"""A context and a type: an event is believed only from the topic that nobody else may write to."""
Route = Callable[[Sequence[Message], NewWork], Awaitable[None]]
"""Takes a run: messages that came one after the other and go the same way.  It sees to their traces itself."""


class SubmitExamFeeCommand(msgspec.Struct, frozen=True):
    """The body of a `SubmitExamFee` message."""

    schedule: str
    registration: str
    papers: tuple[str, ...] = ()
    practicals: tuple[str, ...] = ()


def one_by_one(take: Take) -> Route:
    """Take a run message by message, each under its own trace."""

    async def route(messages: Sequence[Message], new_work: NewWork) -> None:
        for message in messages:
            with tracing(message.trace):
                await take(message, new_work)
            await asyncio.sleep(0)  # others in this process have their turns, however long the run

    return route


def routes(use_cases: UseCases) -> Mapping[Kind, Route]:
    """Return what to do with each kind of message."""

    @one_by_one
    async def submit_exam_fee(message: Message, new_work: NewWork) -> None:
        command = msgspec.json.decode(message.body, type=SubmitExamFeeCommand)
        request = Request(arrived=message.at)  # the inbox has made sure that it is the first of its key
        try:
            choice = Choice(papers=command.papers, practicals=command.practicals)
            wish = ExamFeeSubmission(schedule=command.schedule, registration=command.registration, choice=choice)
            await use_cases["submit_exam_fee"](new_work=new_work)(wish, request)
        except Unavailable:
            raise
        except CoreError as refusal:
            await use_cases["refuse_exam_fee"](new_work=new_work)(message.id, refusal)

    @one_by_one
    async def fee_submitted(message: Message, new_work: NewWork) -> None:
        event = msgspec.json.decode(message.body, type=FeeSubmitted)
        notice = Notice(
            notice=message.id,
            about=event.subject,
            student=StudentId(event.student),
            template="fee_submitted",
            facts=facts(event),
        )
        await use_cases["notify_student"](new_work=new_work)(notice)

    async def of_no_interest(_messages: Sequence[Message], _new_work: NewWork) -> None:
        """Let messages pass that are for others."""

    table: Mapping[Kind, Route] = {
        ("fees.commands", "SubmitExamFee"): submit_exam_fee,
        ("fees", "FeeSubmitted"): fee_submitted,
        ("fees", "ExamFeeRefused"): of_no_interest,
    }
    origins = {context.partition(".")[0] for context, _ in table}
    return {**table, **{(f"{origin}.{DEAD_LETTERS}", "MessageBuried"): of_no_interest for origin in origins}}


def contexts() -> tuple[str, ...]:
    """Return the contexts of all messages that have a route; a broker has a topic for each."""
    return tuple(sorted({context for context, _ in routes({})}))


def consumed() -> tuple[str, ...]:
    """Return those whose messages we take in: dead letters we only write."""
    return tuple(context for context in contexts() if not context.endswith(f".{DEAD_LETTERS}"))


def facts(event: FeeSubmitted) -> dict[str, object]:
    """Return what a letter about a submission says."""
    pay_by = event.pay_by and event.pay_by.astimezone(ZoneInfo(event.zone)).strftime("%d %b %Y, %H:%M %Z")
    return {
        "reference": event.reference,
        "schedule_title": event.schedule_title,
        "total": readable(event.total),
        "pay_by": pay_by,
        "lines": [{"why": line.why, "amount": readable(line.amount)} for line in event.lines],
    }


def readable(amount: Money) -> str:
    """Return an amount as people write it: `₹1,500.00`."""
    sign = "₹" if amount.currency == "INR" else f"{amount.currency} "
    whole, minor = divmod(abs(amount.minor), 100)
    return f"{'-' if amount.minor < 0 else ''}{sign}{whole:,}.{minor:02}"

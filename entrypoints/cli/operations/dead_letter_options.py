"""Options of `bursar dead-letters`."""

from typing import Annotated, NamedTuple

import typer

from core.messaging.dead_letters import DeadLetterFilter, DeadLetterState
from entrypoints.cli.options import period

Id = Annotated[str, typer.Argument(metavar="letter", help="Its id.")]
OptionalId = Annotated[
    str | None, typer.Argument(metavar="letter", help="The id of one; without it, all that the filters find.")
]
State = Annotated[DeadLetterState, typer.Option(help="What became of them.")]
TopicContext = Annotated[str | None, typer.Option("--context", help="The context of their topic: fees.commands.")]
MessageType = Annotated[str | None, typer.Option("--type", help="The type of the message.")]
Reason = Annotated[str | None, typer.Option(help="The error that buried them: ValidationError.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000, help="How many at most.")]
After = Annotated[str | None, typer.Option(metavar="ID", help="Go on after this one.")]
YES = "Do all that the filters find; without this, only show what that would be. An id is done at once."
Yes = Annotated[bool, typer.Option("--yes", help=YES)]


class Filters(NamedTuple):
    """The options that select dead letters."""

    type: str | None
    reason: str | None
    context: str | None
    since: str | None
    until: str | None

    def parse(self, state: DeadLetterState = DeadLetterState.BURIED) -> DeadLetterFilter:
        """Return the filter of the core; raise `Invalid`."""
        buried = period(self.since, self.until)
        return DeadLetterFilter(state=state, type=self.type, reason=self.reason, context=self.context, buried=buried)


class SettlementOptions(NamedTuple):
    """What `replay` and `drop` are given."""

    dead_letter: str | None
    filters: Filters
    rate: int | None
    yes: bool
    who: str | None
    why: str
    json: bool

    def check(self) -> None:
        """Raise `BadParameter` where the options name no dead letter, or contradict each other."""
        if self.dead_letter is None and not any(self.filters):
            raise typer.BadParameter("name a dead letter, or a filter: --type, --reason, --context, --from, --to")
        if self.dead_letter is not None and any(self.filters):
            raise typer.BadParameter("name a dead letter or filters, not both")
        if self.dead_letter is not None and self.rate is not None:
            raise typer.BadParameter("--rate is only for filters: a single dead letter has no rate")

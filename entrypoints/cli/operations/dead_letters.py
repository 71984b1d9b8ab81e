"""Commands for whoever is on duty: what could not be understood, and what is to become of it."""

from typing import Annotated, Any

import typer

from core.messaging.dead_letters import DeadLetterFilter, DeadLetterState
from core.messaging.list_dead_letters import DeadLetterPage
from core.messaging.show_dead_letter import DeadLetterWithMessage
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.operations.bulk_dead_letters import BulkSettlement
from entrypoints.cli.operations.dead_letter_tables import print_dead_letter, print_dead_letters
from entrypoints.cli.options import Rate, Since, Until, Who, Why, dead_letter_id, decision, period
from entrypoints.cli.runtime import Runtime

DeadLetterArgument = Annotated[str, typer.Argument(help="Its id.")]
OptionalDeadLetterArgument = Annotated[
    str | None, typer.Argument(help="The id of one; without it, all that the filters find.")
]
State = Annotated[DeadLetterState, typer.Option(help="What became of them.")]
Context = Annotated[str | None, typer.Option(help="The context of their topic: fees.commands.")]
Type = Annotated[str | None, typer.Option(help="The type of the message.")]
Reason = Annotated[str | None, typer.Option(help="The error that buried them: ValidationError.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000, help="How many at most.")]
After = Annotated[str | None, typer.Option(metavar="ID", help="Go on after this one.")]
YES = "Do all that the filters find; without this, only tell what that would be. An id is done at once."
Yes = Annotated[bool, typer.Option("--yes", help=YES)]


def register_commands(cli: typer.Typer, runner: CommandRunner) -> None:
    """Add the commands."""
    letters = typer.Typer(name="dead-letters", help="Messages that could not be understood.", no_args_is_help=True)
    cli.add_typer(letters)

    @letters.command("list", epilog="Example: bursar dead-letters list --type SubmitExamFee --from 2026-11-20")
    def show_all(
        state: State = DeadLetterState.BURIED,
        type: Type = None,  # noqa: A002 - the name of the option
        reason: Reason = None,
        context: Context = None,
        since: Since = None,
        until: Until = None,
        limit: Limit = 20,
        after: After = None,
        config: ConfigFile = None,
        json: AsJson = False,
    ) -> None:
        """List dead letters, the latest first."""

        async def work(office: Runtime) -> DeadLetterPage:
            which = DeadLetterFilter(
                state=state, type=type, reason=reason, context=context, buried=period(since, until)
            )
            page: DeadLetterPage = await office.use_cases["list_dead_letters"]()(
                which, after and dead_letter_id(after), limit
            )
            return page

        page = runner.run_provisioned(config, work)
        if json:
            runner.print_json(page)
        else:
            print_dead_letters(runner, page)

    @letters.command(epilog="Example: bursar dead-letters show 019a9e5c-6f3e-7b21-9c5d-0f7a3e9b1c42")
    def show(letter: DeadLetterArgument, config: ConfigFile = None, json: AsJson = False) -> None:
        """Show a dead letter with its content, where it came from, and what was done about it."""

        async def work(office: Runtime) -> DeadLetterWithMessage:
            found: DeadLetterWithMessage = await office.use_cases["show_dead_letter"]()(dead_letter_id(letter))
            return found

        opened = runner.run_provisioned(config, work)
        if json:
            runner.print_json(opened)
        else:
            print_dead_letter(runner, opened)

    def settle(use_case: str, done: str) -> Any:
        def command(
            why: Why,
            letter: OptionalDeadLetterArgument = None,
            type: Type = None,  # noqa: A002 - the name of the option
            reason: Reason = None,
            context: Context = None,
            since: Since = None,
            until: Until = None,
            yes: Yes = False,
            rate: Rate = None,
            who: Who = None,
            config: ConfigFile = None,
            json: AsJson = False,
        ) -> None:
            settlement = BulkSettlement(runner, use_case, done, json=json)
            filters = (type, reason, context, since, until)
            if letter is None and not any(filters):
                raise typer.BadParameter("name a letter, or say which: --type, --reason, --context, --from, --to")
            if letter is not None and any(filters):
                raise typer.BadParameter("name one letter, or say which, not both")
            if letter is not None and rate is not None:
                raise typer.BadParameter("--rate is for many letters: one has no speed")

            async def work(office: Runtime) -> None:
                decided = decision(who, why)
                if letter is not None:
                    await settlement.one(office, dead_letter_id(letter), decided)
                    return
                which = DeadLetterFilter(type=type, reason=reason, context=context, buried=period(since, until))
                await (settlement.all(office, which, decided, rate) if yes else settlement.survey(office, which))

            runner.run_provisioned(config, work)
            settlement.end()

        return command

    replay = settle("replay_dead_letter", "replayed")
    replay.__doc__ = "Let messages take effect as they would have: one, or with --yes all that the filters find."
    drop = settle("drop_dead_letter", "dropped")
    drop.__doc__ = "Give messages up for good: one, or with --yes all that the filters find."
    many = "Example: bursar dead-letters {} --type SubmitExamFee --to 2026-11-20 --why 'the roster is mended' --yes"
    letters.command("replay", epilog=many.format("replay"))(replay)
    letters.command("drop", epilog=many.format("drop"))(drop)

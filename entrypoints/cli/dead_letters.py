"""Commands for whoever is on duty: what could not be understood, and what is to become of it."""

from typing import Annotated, Any

import typer

from core.shared.dead_letters import Criteria, LetterState
from core.shared.list_dead_letters import LettersPage
from core.shared.show_dead_letter import OpenedLetter
from entrypoints.cli.desk import AsJson, ConfigFile, Desk
from entrypoints.cli.given import Rate, Since, Until, Who, Why, decision, letter_id, period
from entrypoints.cli.letters import show_letter, show_letters
from entrypoints.cli.office import Office
from entrypoints.cli.settling import Settling

Letter = Annotated[str, typer.Argument(help="Its id.")]
OneLetter = Annotated[str | None, typer.Argument(help="The id of one; without it, all that the filters find.")]
State = Annotated[LetterState, typer.Option(help="What became of them.")]
Context = Annotated[str | None, typer.Option(help="The context of their topic: fees.commands.")]
Type = Annotated[str | None, typer.Option(help="The type of the message.")]
Reason = Annotated[str | None, typer.Option(help="The error that buried them: ValidationError.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000, help="How many at most.")]
After = Annotated[str | None, typer.Option(metavar="ID", help="Go on after this one.")]
YES = "Do all that the filters find; without this, only tell what that would be. An id is done at once."
Yes = Annotated[bool, typer.Option("--yes", help=YES)]


def add_to(cli: typer.Typer, desk: Desk) -> None:
    """Add the commands."""
    letters = typer.Typer(name="dead-letters", help="Messages that could not be understood.", no_args_is_help=True)
    cli.add_typer(letters)

    @letters.command("list", epilog="Example: bursar dead-letters list --type SubmitExamFee --from 2026-11-20")
    def show_all(
        state: State = LetterState.BURIED,
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

        async def work(office: Office) -> LettersPage:
            which = Criteria(state=state, type=type, reason=reason, context=context, buried=period(since, until))
            page: LettersPage = await office.use_cases["list_dead_letters"]()(which, after and letter_id(after), limit)
            return page

        page = desk.work_in(config, work)
        if json:
            desk.print_json(page)
        else:
            show_letters(desk, page)

    @letters.command(epilog="Example: bursar dead-letters show 019a9e5c-6f3e-7b21-9c5d-0f7a3e9b1c42")
    def show(letter: Letter, config: ConfigFile = None, json: AsJson = False) -> None:
        """Show a dead letter with its content, where it came from, and what was done about it."""

        async def work(office: Office) -> OpenedLetter:
            found: OpenedLetter = await office.use_cases["show_dead_letter"]()(letter_id(letter))
            return found

        opened = desk.work_in(config, work)
        if json:
            desk.print_json(opened)
        else:
            show_letter(desk, opened)

    def settle(use_case: str, done: str) -> Any:
        def command(
            why: Why,
            letter: OneLetter = None,
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
            settling = Settling(desk, use_case, done, json=json)
            filters = (type, reason, context, since, until)
            if letter is None and not any(filters):
                raise typer.BadParameter("name a letter, or say which: --type, --reason, --context, --from, --to")
            if letter is not None and any(filters):
                raise typer.BadParameter("name one letter, or say which, not both")
            if letter is not None and rate is not None:
                raise typer.BadParameter("--rate is for many letters: one has no speed")

            async def work(office: Office) -> None:
                decided = decision(who, why)
                if letter is not None:
                    await settling.one(office, letter_id(letter), decided)
                    return
                which = Criteria(type=type, reason=reason, context=context, buried=period(since, until))
                await (settling.all(office, which, decided, rate) if yes else settling.survey(office, which))

            desk.work_in(config, work)
            settling.end()

        return command

    replay = settle("replay_dead_letter", "replayed")
    replay.__doc__ = "Let messages take effect as they would have: one, or with --yes all that the filters find."
    drop = settle("drop_dead_letter", "dropped")
    drop.__doc__ = "Give messages up for good: one, or with --yes all that the filters find."
    many = "Example: bursar dead-letters {} --type SubmitExamFee --to 2026-11-20 --why 'the roster is mended' --yes"
    letters.command("replay", epilog=many.format("replay"))(replay)
    letters.command("drop", epilog=many.format("drop"))(drop)

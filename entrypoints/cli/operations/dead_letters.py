"""`bursar dead-letters`: list, show, replay and drop dead letters."""

import typer

from core.messaging.dead_letters import DeadLetterState
from core.messaging.list_dead_letters import DeadLetterPage
from core.messaging.show_dead_letter import DeadLetterWithMessage
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.operations.bulk_dead_letters import Settlement
from entrypoints.cli.operations.dead_letter_options import (
    After,
    Filters,
    Id,
    Limit,
    MessageType,
    OptionalId,
    Reason,
    SettlementOptions,
    State,
    TopicContext,
    Yes,
)
from entrypoints.cli.operations.dead_letter_tables import print_dead_letter, print_dead_letters
from entrypoints.cli.options import Rate, Since, Until, Who, Why, dead_letter_id
from entrypoints.cli.runtime import Runtime

EXAMPLE = "Example: bursar dead-letters {} --type SubmitExamFee --to 2026-11-20 --why 'the roster is mended' --yes"
commands = typer.Typer()


@commands.command("list", epilog="Example: bursar dead-letters list --type SubmitExamFee --from 2026-11-20")
def list_dead_letters(
    context: typer.Context,
    state: State = DeadLetterState.BURIED,
    message_type: MessageType = None,
    reason: Reason = None,
    topic_context: TopicContext = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    after: After = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List dead letters, the latest first."""
    runner: CommandRunner = context.obj
    filters = Filters(message_type, reason, topic_context, since, until)

    async def work(runtime: Runtime) -> DeadLetterPage:
        which, last = filters.parse(state), dead_letter_id(after) if after else None
        return await runtime.use_cases.messaging.list_dead_letters(which, last, limit)

    page = runner.run_provisioned(config, work)
    runner.print_json(page) if json else print_dead_letters(runner, page)


@commands.command(epilog="Example: bursar dead-letters show 019a9e5c-6f3e-7b21-9c5d-0f7a3e9b1c42")
def show(context: typer.Context, dead_letter: Id, config: ConfigFile = None, json: AsJson = False) -> None:
    """Show a dead letter with its content, where it came from, and what was done about it."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> DeadLetterWithMessage:
        return await runtime.use_cases.messaging.show_dead_letter(dead_letter_id(dead_letter))

    found = runner.run_provisioned(config, work)
    runner.print_json(found) if json else print_dead_letter(runner, found)


@commands.command(epilog=EXAMPLE.format("replay"))
def replay(
    context: typer.Context,
    why: Why,
    dead_letter: OptionalId = None,
    message_type: MessageType = None,
    reason: Reason = None,
    topic_context: TopicContext = None,
    since: Since = None,
    until: Until = None,
    yes: Yes = False,
    rate: Rate = None,
    who: Who = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Let messages take effect as they would have: one, or with --yes all that the filters find."""
    filters = Filters(message_type, reason, topic_context, since, until)
    options = SettlementOptions(dead_letter, filters, rate, yes, who, why, json)
    Settlement(context.obj, lambda messaging: messaging.replay_dead_letter, "replayed", options).run(config)


@commands.command(epilog=EXAMPLE.format("drop"))
def drop(
    context: typer.Context,
    why: Why,
    dead_letter: OptionalId = None,
    message_type: MessageType = None,
    reason: Reason = None,
    topic_context: TopicContext = None,
    since: Since = None,
    until: Until = None,
    yes: Yes = False,
    rate: Rate = None,
    who: Who = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Give messages up for good: one, or with --yes all that the filters find."""
    filters = Filters(message_type, reason, topic_context, since, until)
    options = SettlementOptions(dead_letter, filters, rate, yes, who, why, json)
    Settlement(context.obj, lambda messaging: messaging.drop_dead_letter, "dropped", options).run(config)

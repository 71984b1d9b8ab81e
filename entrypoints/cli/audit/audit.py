"""`bursar audit`: list the audit records, and verify that none was changed."""

from typing import Annotated
from uuid import UUID

import typer
from rich.progress import Progress
from rich.table import Table

from core.audit.list_audit_records import AuditPage
from core.audit.ports import AuditFilter, UnknownAuditRecord
from core.audit.verify_audit_chain import Verification
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.options import Since, Until, period
from entrypoints.cli.runtime import Runtime

Actor = Annotated[str | None, typer.Option(metavar="WHO", help="Who did it: user:alice, account:0197….")]
Action = Annotated[str | None, typer.Option(metavar="ACTION", help="What was done: publish-fee-schedule.")]
Target = Annotated[str | None, typer.Option(metavar="KIND/ID", help="To what: fee-schedule/neet-ug-2027.")]
Outcome = Annotated[str | None, typer.Option(metavar="OUTCOME", help="done, or a problem: not-permitted.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000, help="At most so many.")]
After = Annotated[str | None, typer.Option(metavar="ID", help="Those before this one: the `next` of a page.")]
commands = typer.Typer()


@commands.command("list", epilog="Example: bursar audit list --actor user:alice --from 2026-11-20T00:00Z")
def list_audit_records(
    context: typer.Context,
    actor: Actor = None,
    action: Action = None,
    target: Target = None,
    outcome: Outcome = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    after: After = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List who did what, and who was refused, the latest first."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> AuditPage:
        during = period(since, until)
        which = AuditFilter(actor=actor, action=action, target=target, outcome=outcome, during=during)
        return await runtime.use_cases.audit.list_audit_records(which, record_id(after), limit)

    runner.print(runner.run_provisioned(config, work), table, json=json)


@commands.command(epilog="Example: bursar audit verify --config production.toml")
def verify(context: typer.Context, config: ConfigFile = None, json: AsJson = False) -> None:
    """Find records that were altered, removed or inserted; exit with 1 if there are any."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Verification:
        with Progress(console=runner.err, transient=True, disable=not runner.err.is_terminal) as progress:
            bar = progress.add_task("verifying", total=None)
            return await runtime.use_cases.audit.verify_audit_chain(
                lambda done, total: progress.update(bar, completed=done, total=total)
            )

    result = runner.run_provisioned(config, work)
    runner.print(result, report, json=json)
    if result.faults:
        raise typer.Exit(1)


def record_id(text: str | None) -> UUID | None:
    """Parse the id of a record; raise `UnknownAuditRecord`."""
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise UnknownAuditRecord(f"there is no audit record {str(text)[:80]!r}: its id is a UUID") from error


def table(page: AuditPage) -> Table:
    """Return the records of a page, one a row."""
    shown = Table("at", "who", "from", "action", "target", "outcome", "reason", box=None)
    for each in page.items:
        at = f"{each.at:%Y-%m-%d %H:%M:%S}"
        shown.add_row(at, each.actor, each.address, each.action, each.target, each.outcome, each.reason)
    if page.next:
        shown.caption = f"more: --after {page.next}"
    return shown


def report(result: Verification) -> str:
    """Return what was verified, and the findings."""
    done = f"{result.records:,} sealed records and {result.heads:,} published heads, {result.unsealed:,} to be sealed"
    if not result.faults:
        return f"nothing was changed: {done}"
    more = result.faults - len(result.findings)
    lines = [f"{result.faults:,} faults: {done}", *result.findings, *([f"and {more:,} more"] if more else [])]
    return "\n".join(lines)

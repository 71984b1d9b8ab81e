"""Deliveries as people read them on a terminal; control characters in them are escaped."""

from collections.abc import Iterable

from rich.table import Table

from core.kernel.text import escape_unprintable
from core.notifications.delivery_list import DeliverySummary
from core.notifications.preview_resend import DeliveryPreview
from entrypoints.cli.command_runner import CommandRunner


def print_preview(runner: CommandRunner, preview: DeliveryPreview) -> None:
    """Print what a resend would send again."""
    groups = Table("deliveries", "state", "channel", "template", box=None)
    for group in preview.groups:
        groups.add_row(f"{group.count:,}", group.state, group.channel, escape_unprintable(group.template))
    runner.out.print(groups)
    if preview.count:
        runner.out.print(deliveries_table(preview.first))
    runner.out.print(f"{preview.count:,} deliveries would be resent; nothing was changed: add --yes")


def deliveries_table(deliveries: Iterable[DeliverySummary]) -> Table:
    """Return a table of deliveries."""
    table = Table("delivery", "channel", "state", "since (UTC)", "exam fee", "why", box=None)
    for each in deliveries:
        when = f"{each.in_doubt_since or each.due_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(str(each.id), each.channel, each.state, when, str(each.about), escape_unprintable(each.reason))
    return table

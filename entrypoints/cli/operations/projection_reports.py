"""How people read what projections are, and what a rebuild or a comparison found."""

from collections.abc import Sequence

from rich.table import Table

from core.messaging.list_projections import ProjectionSummary
from core.messaging.rebuild_report import RebuildReport
from core.messaging.verify_projection import ProjectionVerification


def summaries(known: Sequence[ProjectionSummary]) -> Table:
    """Return the projections, one a row."""
    table = Table("projection", "events of", "rebuild", box=None)
    for each in known:
        table.add_row(
            each.name, ", ".join(each.contexts), "a new generation" if each.has_generations else "inserts missing rows"
        )
    return table


def summary(report: RebuildReport) -> str:
    """Return what a rebuild has read and written."""
    if report.in_place:
        kept = (
            f"; {report.different:,} columns differ and stay: see `bursar projections verify`"
            if report.different
            else ""
        )
        sums = f"; {report.derived:,} sums were wrong" if report.derived else ""
        return f"{report.projection}: {report.restored:,} rows were restored from {report.events:,} events{sums}{kept}"
    done = f"{report.projection} was built anew from {report.events:,} events and is read now"
    return f"{done}; {report.forgotten:,} older rows were deleted"


def verification(found: ProjectionVerification) -> str:
    """Return the result of a comparison: one line, and one for each of the first differences."""
    head = f"{found.projection}: {found.rows:,} rows follow from {found.events:,} events"
    if found.waiting:
        head += f"; {found.waiting:,} events wait for the consumer"
    if found.is_right:
        return f"{head}; nothing differs"
    counts = f"{found.missing:,} rows are missing, {found.different:,} columns differ"
    counts += f", {found.unexplained:,} rows follow from no event"
    named = [f"{each.table} {each.key}: {each.column or 'missing'}" for each in found.differences]
    return "\n".join([f"{head}; WRONG: {counts}", *named])

"""The jobs of the scheduler, from their declarations."""

from docs.generator.markdown import code, table
from entrypoints.jobs import JOBS


def jobs() -> str:
    """Return a table of all jobs."""
    rows = [
        [
            code(each.name),
            each.does,
            f"{each.every.total_seconds():g} s",
            each.missed,
            f"{each.limit.total_seconds():g} s",
        ]
        for each in JOBS
    ]
    return table(("job", "what it does", "pause between runs", "missed runs", "time limit of a run"), rows)

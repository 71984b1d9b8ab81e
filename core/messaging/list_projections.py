"""List the projections."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.kernel.authorization import Permission, requires
from core.messaging.routing import Routes


@dataclass(frozen=True, slots=True)
class ProjectionSummary:
    """What follows from the event log, and how it is made again."""

    name: str
    contexts: Sequence[str]
    """Whose events it follows from."""
    has_generations: bool
    """Whether it is built anew beside the one that is read; otherwise its missing rows are inserted."""


@requires(Permission.AUDIT_READ)
@dataclass(frozen=True, slots=True)
class ListProjections:
    """List what can be verified and rebuilt, by name."""

    routes: Routes

    async def __call__(self) -> Sequence[ProjectionSummary]:
        """Return them in the order in which all are rebuilt."""
        return [
            ProjectionSummary(name, fold.contexts, name in self.routes.projectors)
            for name, fold in sorted(self.routes.folds.items())
        ]

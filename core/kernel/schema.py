"""Changes of the database's schema, as commands see them."""

from dataclasses import dataclass

from core.kernel.errors import Conflict, CoreError


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """What a migration did; `before` and `after` are revisions, or `base` for an empty database."""

    before: str
    after: str
    newest: str
    """The revision that this program needs."""


class MigrationFailed(CoreError):
    """A migration cannot be run, and a repetition fails as well until its cause is removed."""

    problem = "migration-failed"


class SchemaIsNewer(Conflict):
    """A newer program migrated the schema to a revision that this one does not know."""

    problem = "schema-is-newer"


class DataWouldBeLost(Conflict):
    """A migration would delete stored rows or columns."""

    problem = "data-would-be-lost"

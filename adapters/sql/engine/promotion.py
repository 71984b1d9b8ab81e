"""Which server takes writes, and when it may not be used."""

from collections.abc import Mapping, Sequence

from adapters.sql.engine.gtids import Gtids, set_of
from adapters.sql.engine.member import Member, Standing
from core.kernel.errors import Unavailable
from core.kernel.own_writes import Position, merged

HOW = "let it apply them before it takes writes, see docs/how-to/read-replicas.md"
Standings = Mapping[Member, Standing]
"""The servers that answer."""


class SplitBrain(Unavailable):
    """Two servers take writes; each write would be missing on one of them."""

    problem = "split-brain"


class WritesMissing(Unavailable):
    """The only server that takes writes lacks some that were acknowledged."""

    problem = "writes-missing"


def only_writable(members: Sequence[Member], standings: Standings) -> Member:
    """Return the only server that takes writes; raise `SplitBrain` for two, `Unavailable` for none."""
    writable = {one.server: each for each, one in standings.items() if not one.read_only}  # one can have two names
    if len(writable) > 1:
        names = " and ".join(sorted(each.name for each in writable.values()))
        raise SplitBrain(f"{names} take writes: set super_read_only = ON on all but the primary", retry_after=1)
    for found in writable.values():
        return found
    states = (f"{each.name} {'is read-only' if each in standings else 'does not answer'}" for each in members)
    raise Unavailable(f"no server takes writes: {', '.join(states)}; promote one", retry_after=1)


def check_promoted(found: Member, before: Member, standings: Standings, seen: Gtids, acknowledged: Position) -> None:
    """Raise `WritesMissing` if a server lacks what the primary before has, was seen to have, or has acknowledged."""
    has = standings[found].executed
    if before in standings and not standings[before].executed.within(has):
        raise WritesMissing(f"{found.name} lacks transactions that {before.name} has: {HOW}", retry_after=1)
    if not (seen.within(has) and has.contains(acknowledged)):
        last = set_of(merged(seen.position, acknowledged))
        raise WritesMissing(f"{found.name} lacks acknowledged transactions of {last}: {HOW}", retry_after=1)

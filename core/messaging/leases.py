"""Who may do what nobody else may do at the same time, until when.

Work is divided into shards; a shard belongs to whoever holds its lease.  A lease that runs out may be taken by
anybody, with a higher token: what the former holder still does under the lower one can be told and refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """One shard, and who has it."""

    shard: int
    holder: str
    token: int
    """The fencing token: it grows each time the shard changes hands."""
    until: datetime


def rebalance(leases: Iterable[Lease], holder: str, alive: int, now: datetime, until: datetime) -> Sequence[Lease]:
    """Return the leases that change so that `holder` has its fair share, one of `alive` parts.

    It renews what it has, gives back what is more than its share, and takes what is free or has run out.
    """
    leases = sorted(leases, key=lambda lease: lease.shard)
    share = -(-len(leases) // alive)
    mine = [lease for lease in leases if lease.holder == holder]
    free = [lease for lease in leases if lease.holder != holder and lease.until <= now]
    kept = [replace(lease, until=until) for lease in mine[:share]]
    given_back = [replace(lease, holder="", until=now) for lease in mine[share:]]
    taken = [Lease(lease.shard, holder, lease.token + 1, until) for lease in free[: share - len(kept)]]
    return [*kept, *given_back, *taken]


def tokens(leases: Iterable[Lease], holder: str) -> Mapping[int, int]:
    """Return the shards a holder has, with their tokens."""
    return {lease.shard: lease.token for lease in leases if lease.holder == holder}

"""Leases: each shard of work has at most one holder at a time.

Any process may take an expired lease, with a higher fencing token; the database refuses writes of the former
holder, which carry the lower token.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """One shard and its holder."""

    shard: int
    holder: str
    token: int
    """The fencing token; it grows with each change of the holder."""
    until: datetime


def rebalance(leases: Iterable[Lease], holder: str, alive: int, now: datetime, until: datetime) -> Sequence[Lease]:
    """Return the leases that change so that `holder` has its fair share among `alive` holders.

    The holder renews its leases, releases those beyond its share, and takes leases that are free or expired.
    """
    leases = sorted(leases, key=lambda lease: lease.shard)
    share = -(-len(leases) // alive)
    mine = [lease for lease in leases if lease.holder == holder]
    free = [lease for lease in leases if lease.holder != holder and lease.until <= now]
    kept = [replace(lease, until=until) for lease in mine[:share]]
    given_back = [replace(lease, holder="", until=now) for lease in mine[share:]]
    taken = [Lease(lease.shard, holder, lease.token + 1, until) for lease in free[: share - len(kept)]]
    return [*kept, *given_back, *taken]


def fencing_tokens(leases: Iterable[Lease], holder: str) -> Mapping[int, int]:
    """Return the fencing tokens of a holder's shards, by shard."""
    return {lease.shard: lease.token for lease in leases if lease.holder == holder}

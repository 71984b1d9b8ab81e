from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as some

from core.messaging.leases import Lease, fencing_tokens, rebalance
from tests.examples import NOON

LATER = NOON + timedelta(seconds=5)
Shards = dict[int, Lease]


def shards(number: int = 64) -> Shards:
    return {shard: Lease(shard, "", 0, NOON) for shard in range(number)}


def ask(leases: Shards, holder: str, alive: int, now=NOON, until=LATER) -> Shards:
    return leases | {lease.shard: lease for lease in rebalance(leases.values(), holder, alive, now, until)}


def test_the_only_relay_takes_everything() -> None:
    leases = ask(shards(), "a", 1)

    assert fencing_tokens(leases.values(), "a") == dict.fromkeys(range(64), 1)


def test_a_renewed_lease_keeps_its_fencing_token() -> None:
    leases = ask(ask(shards(), "a", 1), "a", 1, now=LATER, until=LATER + timedelta(seconds=5))

    assert {lease.token for lease in leases.values()} == {1}
    assert {lease.until for lease in leases.values()} == {LATER + timedelta(seconds=5)}


def test_an_unexpired_lease_is_not_taken_over() -> None:
    leases = ask(ask(shards(), "a", 1), "b", 2)

    assert not fencing_tokens(leases.values(), "b")


def test_an_expired_lease_is_taken_over_with_a_higher_fencing_token() -> None:
    leases = ask(ask(shards(), "a", 1), "b", 1, now=LATER)

    assert fencing_tokens(leases.values(), "b") == dict.fromkeys(range(64), 2)


@given(order=some.lists(some.sampled_from("abc"), min_size=1, max_size=30))
def test_a_shard_has_one_holder_and_tokens_never_fall(order: list[str]) -> None:
    leases = shards(7)
    for holder in order:
        before, leases = leases, ask(leases, holder, 3)
        for shard, lease in leases.items():
            assert lease.token >= before[shard].token
            changed_hands = lease.holder not in ("", before[shard].holder)
            assert changed_hands == (lease.token > before[shard].token)


@given(relays=some.integers(1, 10), number=some.integers(1, 70))
def test_after_two_rounds_the_shards_are_evenly_shared(relays: int, number: int) -> None:
    leases = ask(shards(number), "relay-0", 1)
    for _ in range(2):
        for relay in range(relays):
            leases = ask(leases, f"relay-{relay}", relays)

    held = [len(fencing_tokens(leases.values(), f"relay-{relay}")) for relay in range(relays)]
    assert sum(held) == number
    assert max(held) <= -(-number // relays)

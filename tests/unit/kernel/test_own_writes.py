"""Positions, and what a request may see."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.kernel.own_writes import (
    EVERYTHING,
    MAX_SERVERS,
    View,
    combined,
    merged,
    note_write,
    position_of,
    text_of,
    viewing,
)

SERVERS = [f"{number}e11fa47-71ca-11e1-9e33-c80aa9429562" for number in range(MAX_SERVERS)]
POSITIONS = some.dictionaries(some.sampled_from(SERVERS), some.integers(1, 10**18 - 1), min_size=1)


@given(POSITIONS)
def test_a_client_gives_a_position_back_as_it_got_it(position: dict[str, int]) -> None:
    assert position_of(text_of(position)) == position


@pytest.mark.parametrize(
    "text", ["", "7", *(f"{SERVERS[0]}:{number}" for number in ("0", "1-5", "1,", "1१", "7" * 19))]
)
def test_another_text_is_no_position(text: str) -> None:
    assert position_of(text) is None


def test_positions_of_more_servers_than_there_can_be_are_refused() -> None:
    assert position_of(",".join(f"{server}:1" for server in [*SERVERS, SERVERS[0]])) is None


@given(POSITIONS, POSITIONS)
def test_of_two_positions_the_later_of_each_server_counts(one: dict[str, int], other: dict[str, int]) -> None:
    both = merged(one, other)

    assert both == {server: max(one.get(server, 0), other.get(server, 0)) for server in one | other}


def test_a_read_for_several_requests_sees_what_each_needs() -> None:
    first, second = View(after={SERVERS[0]: 3}), View(after={SERVERS[0]: 2, SERVERS[1]: 1})

    assert combined(first, second).after == {SERVERS[0]: 3, SERVERS[1]: 1}
    assert combined(first, EVERYTHING).after is None


def test_commits_count_for_the_request_in_which_they_happen() -> None:
    view = View(after=None)
    with viewing(view):
        note_write({SERVERS[0]: 3})
        note_write({})
        note_write({SERVERS[0]: 5})
    note_write({SERVERS[0]: 9})

    assert view.written == {SERVERS[0]: 5}
    assert EVERYTHING.written == {}

"""Sets of GTIDs: what a server has, compared with what is needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from adapters.sql.engine.gtids import Gtids, own_commit, set_of

ONE, OTHER = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "4e11fa47-71ca-11e1-9e33-c80aa9429562"


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", {}),
        (f"{ONE}:1-5", {ONE: 5}),
        (f"{ONE}:1-5:7", {ONE: 7}),
        (f"{ONE}:1,\n{OTHER}:1-3", {ONE: 1, OTHER: 3}),
        (f"{ONE}:1-5:billing:1-9", {ONE: 5}),
    ],
)
def test_a_set_is_read_as_the_server_writes_it(text: str, position: dict[str, int]) -> None:
    assert Gtids.parse(text).position == position


@given(some.sets(some.integers(1, 12)), some.sets(some.integers(1, 12)))
def test_a_server_has_what_its_set_has(have: set[int], needed: set[int]) -> None:
    def gtids(numbers: set[int]) -> Gtids:
        return Gtids.parse("".join([ONE, *(f":{number}" for number in sorted(numbers))]) if numbers else "")

    assert gtids(needed).within(gtids(have)) == (needed <= have)


@pytest.mark.parametrize(
    ("executed", "needed", "is_there"),
    [
        (f"{ONE}:1-5", {ONE: 5}, True),
        (f"{ONE}:1-5", {ONE: 6}, False),
        (f"{ONE}:1-3:5", {ONE: 5}, False),  # 4 is missing
        (f"{ONE}:1-5", {OTHER: 1}, False),
        (f"{ONE}:1-5,{OTHER}:1-2", {ONE: 1, OTHER: 2}, True),
        ("", {}, True),
    ],
)
def test_a_position_needs_all_before_it(executed: str, needed: dict[str, int], is_there: bool) -> None:
    assert Gtids.parse(executed).contains(needed) is is_there


def test_the_position_of_a_commit_is_in_its_acknowledgement() -> None:
    told = b"\x005\x03(\x00&2d88ce7e-eb9b-11f1-8d1b-0242ac180002:6\x05\t\x08________"  # as MySQL 9 sends it

    assert own_commit(told) == {"2d88ce7e-eb9b-11f1-8d1b-0242ac180002": 6}
    assert own_commit(b"\x00\x0b\x05\t\x08T_______") == {}


def test_a_position_is_sent_as_a_set() -> None:
    assert set_of({ONE: 5, OTHER: 2}) == f"{ONE}:1-5,{OTHER}:1-2"

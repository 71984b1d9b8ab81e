"""The target of a migration is one revision, or refused with words."""

import pytest

from adapters.sql.engine.migration_target import BASE, position_of_target
from core.kernel.errors import Invalid

REVISIONS = ["0001", "0002", "0003", "0010"]


@pytest.mark.parametrize(
    ("target", "position"),
    [
        ("head", 3),
        ("heads", 3),
        ("base", BASE),
        ("0002", 1),
        ("001", 3),
        ("+1", 2),
        ("-1", 0),
        ("-2", BASE),
        ("+2", 3),
        ("head-1", 2),
        ("0001+1", 1),
        ("base+1", 0),
    ],
)
def test_a_target_names_one_revision(target: str, position: int) -> None:
    assert position_of_target(target, REVISIONS, 1) == position


@pytest.mark.parametrize(
    "target", ["", " ", "0042", "000", "nonsense", "+3", "-3", "base-1", "head+1", "1;2", "+", "--1"]
)
def test_what_names_none_or_several_is_refused(target: str) -> None:
    with pytest.raises(Invalid, match=r"0001|base"):
        position_of_target(target, REVISIONS, 1)

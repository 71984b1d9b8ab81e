"""JSON that a decoder would take, and that means something else to another one."""

import pytest

from core.kernel.errors import Invalid
from entrypoints.strict_decoding import decode


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"a": [[{"b": "c\\":", "b" :2}]]}',
        b'{"a\\"\t:": 1, "a\\"\\t:": 1}'.replace(b"\t:", b":", 1).replace(b"\\t:", b":"),
        b'[{"a": 1, "a": 2}, 3]',
        b'{"x": {"a": 1, "a": 2}, "y": 3}',
    ],
)
def test_a_name_that_is_there_twice_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid, match="twice"):
        decode(body, dict)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "b\\":"}',
        b'{"a": {"a": {"a": 1}}}',
        b'{"a": [{"b": 1}, {"b": 2}], "n": %b}' % (b"9" * 300),
    ],
)
def test_equal_names_of_different_objects_are_no_fault(body: bytes) -> None:
    decode(body, dict)

import re
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from core.fees.submission import CROCKFORD_BASE32, SubmissionId, reference

SHAPE = re.compile(r"BF-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]")
ids = st.integers(0, 2**128 - 1).map(lambda number: SubmissionId(UUID(int=number)))


def is_right(letters: str) -> bool:
    """Verify a check character independently: the Luhn algorithm in base 32, from the right."""
    total = 0
    for position, letter in enumerate(reversed(letters)):
        value = CROCKFORD_BASE32.index(letter) * (1 + position % 2)
        total += value // 32 + value % 32
    return total % 32 == 0


def letters_of(submission: SubmissionId) -> str:
    return reference(submission).removeprefix("BF-").replace("-", "")


@given(ids)
def test_a_reference_is_three_groups_of_four_and_a_check_letter(submission: SubmissionId) -> None:
    assert SHAPE.fullmatch(reference(submission))


@given(ids)
def test_every_reference_is_right_by_luhn(submission: SubmissionId) -> None:
    assert is_right(letters_of(submission))


@given(submission=ids, position=st.integers(0, 12), shift=st.integers(1, 31))
def test_every_single_wrong_letter_is_caught(submission: SubmissionId, position: int, shift: int) -> None:
    letters = letters_of(submission)
    wrong = CROCKFORD_BASE32[(CROCKFORD_BASE32.index(letters[position]) + shift) % 32]

    assert not is_right(letters[:position] + wrong + letters[position + 1 :])


@given(one=ids, other=ids)
def test_references_differ_when_sixty_random_bits_do(one: SubmissionId, other: SubmissionId) -> None:
    mask = 2**60 - 1
    assert (reference(one) == reference(other)) == (one.int & mask == other.int & mask)


def test_the_alphabet_has_no_letter_that_is_heard_as_a_digit() -> None:
    assert len(set(CROCKFORD_BASE32)) == 32
    assert not set("ILOU") & set(CROCKFORD_BASE32)

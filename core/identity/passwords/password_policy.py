"""What a password must be: its length in characters and bytes, and that it is not a common one."""

import re
import unicodedata
from typing import Annotated, TypeAlias

from core.identity.passwords.common_passwords import COMMON_STEMS
from core.kernel.constraints import Text
from core.kernel.errors import Invalid

MIN_PASSWORD_CHARACTERS = 12
MAX_PASSWORD_BYTES = 1_024
"""In UTF-8; hashing a longer text would let one request occupy a core."""
PlainPassword: TypeAlias = Annotated[str, Text("at most 1,024 bytes in UTF-8", most=MAX_PASSWORD_BYTES)]
LOOKALIKES = str.maketrans("01345789@$!|+", "oieastbgasiit")
LETTERS, ENDS = re.compile("[a-z]+"), re.compile("^[^a-z]+|[^a-z]+$")
MAX_COMMON_WORDS = 2
"""A password of more words is a passphrase, although each of them is common."""
MIN_UNCOMMON_CHARACTERS = 5
"""Different characters of a password, and what it has beside common words."""


def normal_password(text: str) -> str:
    """Return a password in NFC, the same bytes from each keyboard; raise `Invalid` beyond the length limit."""
    if exceeds_limit(text) or exceeds_limit(normal := unicodedata.normalize("NFC", text)):
        raise Invalid(f"a password has at most {MAX_PASSWORD_BYTES:,} bytes in UTF-8", at="$.password")
    return normal


def exceeds_limit(text: str) -> bool:
    """Tell whether a text is too long in UTF-8; raise `Invalid` for a lone surrogate, which has no UTF-8."""
    try:
        return len(text) > MAX_PASSWORD_BYTES or len(text.encode()) > MAX_PASSWORD_BYTES
    except UnicodeEncodeError:
        raise Invalid("a password is Unicode text, without lone surrogates", at="$.password") from None


def new_password(text: str, *known: str) -> str:
    """Return the normal form of a password that an account may have; `known` are its name and address.

    Raises `Invalid` with the rule that it breaks.
    """
    password = normal_password(text)
    if len(password) < MIN_PASSWORD_CHARACTERS:
        raise Invalid(f"a password has at least {MIN_PASSWORD_CHARACTERS} characters", at="$.password")
    if is_common(password) or is_guessable(password, *known):
        raise Invalid(
            "this password is a common one, or close to the name of the account; four unrelated words are better",
            at="$.password",
        )
    return password


def is_common(password: str) -> bool:
    """Tell whether a password is a common word or two with additions, a run of keys, or a few repeated characters."""
    folded = password.casefold()
    if len(set(folded)) < MIN_UNCOMMON_CHARACTERS or is_run(folded) or repeats(folded):
        return True
    if not folded.isascii() or not LETTERS.search(folded):
        return False
    return any(
        consists_of_common_words("".join(LETTERS.findall(reading)))
        for reading in (folded, ENDS.sub("", folded).translate(LOOKALIKES))
    )


def consists_of_common_words(letters: str) -> bool:
    """Tell whether at most a few letters remain when the two longest common words are removed."""
    if len(letters) > MIN_UNCOMMON_CHARACTERS * 12:
        return False
    for _ in range(MAX_COMMON_WORDS):
        words = (letters[begin:end] for begin in range(len(letters)) for end in range(begin + 3, len(letters) + 1))
        longest = max((word for word in words if word in COMMON_STEMS), key=len, default="")
        letters = letters.replace(longest, "") if longest else letters
    return len(letters) < MIN_UNCOMMON_CHARACTERS


def is_guessable(password: str, *known: str) -> bool:
    """Tell whether a password is the name or address of its account with a few characters added."""
    folded = password.casefold()
    words = [each.casefold() for each in known if len(each) >= MIN_UNCOMMON_CHARACTERS]
    return any(word in folded and len(folded) - len(word) < MIN_UNCOMMON_CHARACTERS for word in words)


def is_run(folded: str) -> bool:
    """Tell whether most characters follow their neighbour in the alphabet, on a keyboard, or by repetition."""
    rows = "abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb"
    pairs = {row[at : at + 2] for row in rows for at in range(len(row) - 1)}
    pairs |= {pair[::-1] for pair in pairs} | {letter * 2 for letter in folded}
    following = sum(folded[at : at + 2] in pairs for at in range(len(folded) - 1))
    return following * 4 >= (len(folded) - 1) * 3


def repeats(folded: str) -> bool:
    """Tell whether a text is one group of characters that repeats."""
    return any(folded == (folded[:size] * len(folded))[: len(folded)] for size in range(1, len(folded) // 2 + 1))

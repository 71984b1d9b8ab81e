"""The text of an API key: `bursar_`, the id of its record, 256 random bits, and a checksum.

Leak scanners find it by its form and verify it offline: 71 digits and letters, the last six of which are the CRC-32 of
all that precedes them.
"""

import re
import secrets
from string import ascii_lowercase, ascii_uppercase, digits
from typing import NewType
from uuid import UUID
from zlib import crc32

ApiKeyId = NewType("ApiKeyId", UUID)
PREFIX = "bursar_"
SECRET_BYTES = 32
ALPHABET = digits + ascii_uppercase + ascii_lowercase
ID_LENGTH, SECRET_LENGTH, CHECKSUM_LENGTH = 22, 43, 6
"""The digits to the base 62 that 128, 256 and 32 bits need."""
LENGTH = len(PREFIX) + ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH
ID_PART = slice(len(PREFIX), len(PREFIX) + ID_LENGTH)
PATTERN = re.compile(
    rf"{PREFIX}([0-9A-Za-z]{{{ID_LENGTH}}})[0-9A-Za-z]{{{SECRET_LENGTH}}}[0-9A-Za-z]{{{CHECKSUM_LENGTH}}}"
)


def new_credential(key: ApiKeyId) -> str:
    """Return the text of a new key."""
    secret = int.from_bytes(secrets.token_bytes(SECRET_BYTES))
    text = PREFIX + base62(key.int, ID_LENGTH) + base62(secret, SECRET_LENGTH)
    return text + checksum(text)


def key_of(credential: str) -> ApiKeyId | None:
    """Return the id in a text; None for one that no key has."""
    parts = PATTERN.fullmatch(credential)
    if parts is None or checksum(credential[:-CHECKSUM_LENGTH]) != credential[-CHECKSUM_LENGTH:]:
        return None
    number = 0
    for digit in parts[1]:
        number = number * len(ALPHABET) + ALPHABET.index(digit)
    return ApiKeyId(UUID(int=number)) if number < 1 << 128 else None


def checksum(text: str) -> str:
    """Return the last characters of a key that begins with this text."""
    return base62(crc32(text.encode()), CHECKSUM_LENGTH)


def base62(number: int, length: int) -> str:
    """Return a number in digits and letters, with leading zeros."""
    written = ""
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        written = ALPHABET[digit] + written
    return written

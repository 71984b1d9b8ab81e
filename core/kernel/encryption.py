"""The keys that encrypt personal data: how they are written, and what goes wrong without them."""

import base64
import binascii
import secrets
from collections.abc import Mapping

from core.kernel.errors import Unavailable

KEY_BYTES = 32
"""AES-256."""
MAX_KEY_NUMBER = 65_535
PUBLISHED_EXAMPLE = b"only-for-development"
"""How the key begins that earlier versions of compose.yaml had for all."""
KEY_FORM = "NUMBER:KEY, as `bursar encryption create-key` prints it"


class Undecipherable(Unavailable):
    """A stored value cannot be decrypted: its key is missing or another one, or the value was damaged or moved."""

    problem = "undecipherable"


class NoEncryptionKey(Unavailable):
    """Personal data are to be stored, and no key is configured that encrypts them."""

    problem = "no-encryption-key"


def create_key() -> str:
    """Return a new key; its random number tells it from other keys, also from those of other databases."""
    key = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode().rstrip("=")
    return f"{1 + secrets.randbelow(MAX_KEY_NUMBER)}:{key}"


def read_keys(text: str) -> Mapping[int, bytes]:
    """Return keys by number, the current one first; raise `ValueError`, which contains no part of a key."""
    keys: dict[int, bytes] = {}
    for place, line in enumerate(text.replace(",", " ").split(), 1):
        number, colon, key = line.partition(":")
        if not (colon and number.isascii() and number.isdecimal() and 0 < int(number) <= MAX_KEY_NUMBER):
            raise ValueError(f"key {place} is not {KEY_FORM}")
        if int(number) in keys:
            raise ValueError(f"two keys have the number {int(number)}")
        keys[int(number)] = decoded(key, int(number))
    return keys


def decoded(key: str, number: int) -> bytes:
    """Return the bytes of a key; raise `ValueError`."""
    try:
        found = base64.b64decode(key + "=" * (-len(key) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if found.startswith(PUBLISHED_EXAMPLE):
        raise ValueError(f"key {number} is a published example: `bursar encryption create-key` prints one of your own")
    if len(found) != KEY_BYTES:
        raise ValueError(f"key {number} is not {KEY_BYTES} bytes in base 64; it has the form {KEY_FORM}") from None
    return found

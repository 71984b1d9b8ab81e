"""Encryption of single columns: AES-256-GCM, bound to the table, the column and the row; and digests that find them."""

import hmac
import os
from collections.abc import Mapping, Sequence
from struct import Struct
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.kernel.encryption import NoEncryptionKey, Undecipherable

VERSION = 1
HEADER = Struct(">BH")
"""The version of the format, and the number of the key."""
NONCE_BYTES = 12
"""Random: NIST SP 800-38D, 8.3 allows 2**32 values under one key."""
OVERHEAD_BYTES = HEADER.size + NONCE_BYTES + 16
KEY_NAME_BYTES = 8
"""Of the name of a key that begins its digests: derived from the key, so that no other key has it."""
REMEDY = "add the key with this number to encryption.keys, after the current one"


class ColumnCipher:
    """Encrypts and digests with the first key, decrypts and finds with each."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        self._ciphers = {number: AESGCM(key) for number, key in keys.items()}
        self._header = HEADER.pack(VERSION, next(iter(keys))) if keys else b""
        self._digest_keys = {named[:KEY_NAME_BYTES]: named[KEY_NAME_BYTES:] for named in map(digest_key, keys.values())}

    def encrypt(self, column: str, row: UUID, text: str) -> bytes | None:
        """Return the value to store in a column, as in `students.encrypted_email`; None for an empty text."""
        if not text:
            return None
        self.check_key()
        nonce, (_, number) = os.urandom(NONCE_BYTES), HEADER.unpack(self._header)
        bound = bound_to(self._header, column, row)
        return self._header + nonce + self._ciphers[number].encrypt(nonce, text.encode(), bound)

    def check_key(self) -> None:
        """Raise `NoEncryptionKey` without a current key."""
        if not self._header:
            raise NoEncryptionKey("encryption.keys is empty: `bursar encryption create-key` prints a key for it")

    def decrypt(self, column: str, row: UUID, value: bytes) -> str:
        """Return the text of a stored value; raise `Undecipherable`."""
        header, nonce = value[: HEADER.size], value[HEADER.size : HEADER.size + NONCE_BYTES]
        if len(value) < OVERHEAD_BYTES or header[0] != VERSION:
            raise Undecipherable(f"{column} of {row} is cut short, or not encrypted by a known version")
        number = HEADER.unpack(header)[1]
        if number not in self._ciphers:
            raise Undecipherable(f"{column} of {row} is encrypted with the key {number}: {REMEDY}")
        try:
            bound = bound_to(header, column, row)
            return self._ciphers[number].decrypt(nonce, value[HEADER.size + NONCE_BYTES :], bound).decode()
        except InvalidTag:
            cause = f"the key {number} is another one, or the value was changed or belongs to another row or column"
            raise Undecipherable(f"{column} of {row} cannot be decrypted: {cause}") from None

    def digests(self, column: str, text: str) -> Sequence[bytes]:
        """Return the digests by which a text is found in a column, the one to store first; none without a key."""
        bound = column.encode() + b"\0" + text.encode()
        return [name + hmac.digest(key, bound, "sha256") for name, key in self._digest_keys.items()]

    def digest_keys(self) -> Sequence[bytes]:
        """Return the beginnings of the digests that can be compared, in their order."""
        return sorted(self._digest_keys)

    def is_current(self, value: bytes) -> bool:
        """Return whether a value is encrypted with the current key."""
        return bool(self._header) and value.startswith(self._header)


def digest_key(key: bytes) -> bytes:
    """Return the name and the key of the digests that belong to an encryption key."""
    return HKDF(SHA256(), length=KEY_NAME_BYTES + 32, salt=None, info=b"digests of encrypted columns").derive(key)


def bound_to(header: bytes, column: str, row: UUID) -> bytes:
    """Return the associated data: what decryption must repeat."""
    return header + column.encode() + b"\0" + row.bytes

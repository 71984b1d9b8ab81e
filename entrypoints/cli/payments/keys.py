"""What commands that move money share: amounts, and keys that make a repeated command harmless."""

from hashlib import sha256
from typing import Annotated

import msgspec
import typer

Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="In the currency of the fee: 1500.00.")]
Key = Annotated[str | None, typer.Option("--key", help="Idempotency key; the same key again changes nothing.")]


def fingerprint(command: object) -> bytes:
    """Return the hash of what a command was asked to do."""
    return sha256(msgspec.json.encode(command)).digest()

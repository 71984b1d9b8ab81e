"""What commands that move money share: amounts, and keys that make a repeated command harmless."""

from hashlib import sha256
from typing import Annotated
from uuid import uuid4

import msgspec
import typer

from core.kernel.authorization import current_principal
from core.kernel.idempotency import RequestContext
from entrypoints.cli.runtime import Runtime

Fee = Annotated[str, typer.Argument(metavar="FEE", help="The id or the reference of an exam fee.")]
Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="In the currency of the fee: 1500.00.")]
Key = Annotated[str | None, typer.Option("--key", help="Idempotency key; the same key again changes nothing.")]


def fingerprint(command: object) -> bytes:
    """Return the hash of what a command was asked to do."""
    return sha256(msgspec.json.encode(command)).digest()


def request_of(runtime: Runtime, scope: str, key: str | None, command: object) -> RequestContext:
    """Return the identity of a command, among those of its caller."""
    account = current_principal.get().account
    return RequestContext(
        arrived=runtime.clock.now(),
        scope=f"{account} {scope}" if account else scope,
        key=key or str(uuid4()),
        fingerprint=fingerprint(command),
    )

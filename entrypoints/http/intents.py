"""The `Submission-Intent` header: a moment of arrival, signed, so that whoever was turned away stays in time."""

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

from litestar.params import HeaderParameter

from core.shared.errors import Invalid
from core.shared.requests import Request as Wish

HEADER = "Submission-Intent"
FORM = re.compile(r"1\.([0-9]{1,17})\.[A-Za-z0-9_-]{43}")
"""The version of this form, microseconds since 1970, and the seal."""
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
WITHOUT = "send it without, and it is judged by when it arrives then"
SubmissionIntent = Annotated[
    str | None,
    HeaderParameter(
        name=HEADER,
        description="What a 503 gave you in its header of this name, and among the `facts` of its problem: the same "
        "wish, sent again with it in time, is judged by the moment at which it first arrived.",
    ),
]


class InvalidIntent(Invalid):
    """The `Submission-Intent` is not from us, or was given to another wish, or has run out."""

    problem = "invalid-intent"


@dataclass(frozen=True, slots=True)
class Intents:
    """Signs when a wish arrived, and knows its own signature again."""

    secret: bytes
    """The same in every process that a client may meet; without one nobody keeps his moment."""
    grace: timedelta
    """How long after its first arrival a wish may come again."""

    def of(self, wish: Wish) -> dict[str, str]:
        """Return the header with which a client whom we turn away may come again."""
        return {HEADER: self._sealed((wish.arrived - EPOCH) // MICROSECOND, wish)} if self.secret else {}

    def honour(self, token: str | None, wish: Wish) -> Wish:
        """Return the wish as of its first arrival; raise `InvalidIntent`, for nobody shall be late unawares."""
        if token is None:
            return wish
        moment = int(claimed[1]) if (claimed := FORM.fullmatch(token)) else 0
        if not self.secret or not hmac.compare_digest(token.encode(), self._sealed(moment, wish).encode()):
            raise InvalidIntent(f"this {HEADER} was not given by us to this key and body; {WITHOUT}")
        first = EPOCH + moment * MICROSECOND
        if wish.arrived - first > self.grace:
            raise InvalidIntent(f"this {HEADER} was good for {self.grace.total_seconds():g} s; {WITHOUT}")
        return replace(wish, arrived=first)

    def _sealed(self, moment: int, wish: Wish) -> str:
        said = f"1.{moment}"
        of = f"{HEADER}\0{said}\0{wish.scope}\0{wish.key}\0".encode() + wish.fingerprint
        return f"{said}.{urlsafe_b64encode(hmac.digest(self.secret, of, 'sha256')).decode().rstrip('=')}"

"""The `Submission-Intent` header: a moment of arrival, signed, so that whoever was turned away stays in time."""

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

from litestar.params import HeaderParameter

from core.kernel.errors import Invalid
from core.kernel.idempotency import RequestContext

INTENT_HEADER = "Submission-Intent"
TOKEN_PATTERN = re.compile(r"1\.([0-9]{1,17})\.[A-Za-z0-9_-]{43}")
"""The version of this form, microseconds since 1970, and the seal."""
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
RETRY_WITHOUT_INTENT = "send it without, and it is judged by when it arrives then"
SubmissionIntent = Annotated[
    str | None,
    HeaderParameter(
        name=INTENT_HEADER,
        description="What a 503 gave you in its header of this name, and among the `facts` of its problem: the same "
        "wish, sent again with it in time, is judged by the moment at which it first arrived.",
    ),
]


class InvalidIntent(Invalid):
    """The `Submission-Intent` is not from us, or was given to another wish, or has run out."""

    problem = "invalid-intent"


@dataclass(frozen=True, slots=True)
class IntentSigner:
    """Signs when a wish arrived, and knows its own signature again."""

    secret: bytes
    """The same in every process that a client may meet; without one nobody keeps his moment."""
    grace: timedelta
    """How long after its first arrival a wish may come again."""

    def of(self, context: RequestContext) -> dict[str, str]:
        """Return the header with which a client whom we turn away may come again."""
        return {INTENT_HEADER: self._token((context.arrived - EPOCH) // MICROSECOND, context)} if self.secret else {}

    def verify(self, token: str | None, context: RequestContext) -> RequestContext:
        """Return the wish as of its first arrival; raise `InvalidIntent`, for nobody shall be late unawares."""
        if token is None:
            return context
        moment = int(claimed[1]) if (claimed := TOKEN_PATTERN.fullmatch(token)) else 0
        if not self.secret or not hmac.compare_digest(token.encode(), self._token(moment, context).encode()):
            raise InvalidIntent(
                f"this {INTENT_HEADER} was not given by us to this key and body; {RETRY_WITHOUT_INTENT}"
            )
        first = EPOCH + moment * MICROSECOND
        if context.arrived - first > self.grace:
            raise InvalidIntent(
                f"this {INTENT_HEADER} was good for {self.grace.total_seconds():g} s; {RETRY_WITHOUT_INTENT}"
            )
        return replace(context, arrived=first)

    def _token(self, moment: int, context: RequestContext) -> str:
        said = f"1.{moment}"
        of = f"{INTENT_HEADER}\0{said}\0{context.scope}\0{context.key}\0".encode() + context.fingerprint
        return f"{said}.{urlsafe_b64encode(hmac.digest(self.secret, of, 'sha256')).decode().rstrip('=')}"

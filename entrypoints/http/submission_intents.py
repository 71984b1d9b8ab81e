"""The `Submission-Intent` header: the signed arrival of a rejected request, which decides about its retries."""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from core.kernel.constraints import Text
from core.kernel.errors import Unprocessable
from core.kernel.idempotency import RequestContext
from entrypoints.http.sent_headers import SentHeader

INTENT_HEADER = "Submission-Intent"
TOKEN = Text("the value of this header in a 503", r"1\.[0-9]{1,17}\.[A-Za-z0-9_-]{43}")
"""The version of the format, microseconds since 1970, and the signature."""
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
RETRY_WITHOUT_INTENT = "send it without the header, and its new arrival decides about deadlines"
SUBMISSION_INTENT = SentHeader(
    INTENT_HEADER,
    TOKEN,
    "The value of this header in a 503, also in the `facts` of its problem: with it, the first arrival of the request"
    " decides about deadlines when the same request is sent again in time.",
)
RAW_INTENT_HEADER = SUBMISSION_INTENT.raw_name


class InvalidIntent(Unprocessable):
    """The `Submission-Intent` is not from this server, belongs to another request, or has expired."""

    problem = "invalid-intent"


@dataclass(frozen=True, slots=True)
class IntentSigner:
    """Signs the arrival of a request, and verifies the signature."""

    secret: bytes
    """The same in every process that serves HTTP; if empty, no intent is signed."""
    grace: timedelta
    """How long after its first arrival a request can be sent again with its intent."""

    def sign(self, context: RequestContext) -> dict[str, str]:
        """Return the header with which a client can send a rejected request again."""
        return {INTENT_HEADER: self._token((context.arrived - EPOCH) // MICROSECOND, context)} if self.secret else {}

    def verify(self, token: str | None, context: RequestContext) -> RequestContext:
        """Return the request with its first arrival; raise `InvalidIntent` rather than use the present arrival."""
        if token is None:
            return context
        moment = int(token.split(".")[1]) if TOKEN.admits(token) else 0
        if not self.secret or not hmac.compare_digest(token.encode(), self._token(moment, context).encode()):
            raise InvalidIntent(f"this {INTENT_HEADER} was not issued for this key and body; {RETRY_WITHOUT_INTENT}")
        first = EPOCH + moment * MICROSECOND
        if context.arrived - first > self.grace:
            raise InvalidIntent(
                f"this {INTENT_HEADER} was valid for {self.grace.total_seconds():g} s; {RETRY_WITHOUT_INTENT}"
            )
        return replace(context, arrived=first)

    def _token(self, moment: int, context: RequestContext) -> str:
        claim, who = f"1.{moment}", context.principal
        route = context.scope.partition(" ")[2]  # the account before it is not known during an outage; the key is
        signed = f"{INTENT_HEADER}\0{claim}\0{who.api_key or who.account or who.subject}\0{route}\0{context.key}\0"
        signature = hmac.digest(self.secret, signed.encode() + context.fingerprint, "sha256")
        return f"{claim}.{urlsafe_b64encode(signature).decode().rstrip('=')}"

"""E-mails through any mail server."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import localtime, parseaddr
from typing import Literal

from aiosmtplib import SMTP, SMTPDataError, SMTPException, SMTPRecipientRefused, SMTPResponseException

from adapters.smtp.connections import Connections
from core.notifications.addressing import check_email
from core.notifications.errors import OutcomeUnknown, Rejected, VendorUnavailable
from core.notifications.messages import Accepted, Email
from core.notifications.ports import EmailSender

QUEUE_ID = re.compile(r"queued as ([\w.-]+)|\bid=([\w.-]+)")  # Postfix and most others; Exim
OUR_ACCOUNT = frozenset({530, 534, 535, 538})  # RFC 4954: says something about us, whatever it answers
OPENING_SECONDS = 5.0
Tls = Literal["starttls", "implicit", "none"]


class SmtpEmailSender(EmailSender):
    """Hand e-mails to a mail server, on a few connections that are kept."""

    def __init__(
        self, *, host: str, port: int, tls: Tls, ca_file: str, user: str, password: str, sender: str,
        connections: int, timeout: float = 30.0,
    ) -> None:  # fmt: skip
        def new() -> SMTP:
            return SMTP(
                hostname=host, port=port, timeout=timeout,
                use_tls=tls == "implicit", start_tls=tls == "starttls", cert_bundle=ca_file or None,
                username=user or None, password=password if user else None,
            )  # fmt: skip

        self._sender = sender
        self._mailbox = parseaddr(sender)[1]
        if "@" not in self._mailbox:
            raise ValueError("smtp.sender is not an e-mail address")
        self._connections = Connections(new, connections, min(OPENING_SECONDS, timeout / 2))

    async def send(self, message: Email) -> Accepted:
        check_email(message)
        letter = self._letter(message)
        with smtp_errors_as_ours() as trip:
            async with self._connections.borrow() as server:
                await server.mail(self._mailbox)
                await server.rcpt(message.to)
                trip.data_begun = True
                answer = await server.data(letter)
        queued = QUEUE_ID.search(answer.message)
        return Accepted("smtp", (queued[1] or queued[2]) if queued else self._message_id(message))

    async def close(self) -> None:
        """Take leave of the server."""
        await self._connections.close()

    def _message_id(self, email: Email) -> str:
        return f"<{email.delivery}@{self._mailbox.rpartition('@')[2]}>"

    def _letter(self, email: Email) -> bytes:
        letter = EmailMessage(WIRE.clone(cte_type="7bit"))  # not every server takes eight bits
        letter["From"] = self._sender
        letter["To"] = email.to
        letter["Subject"] = email.subject
        letter["Date"] = localtime()
        letter["Message-ID"] = self._message_id(email)
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
        letter.set_content(email.text)
        letter.add_alternative(email.html, subtype="html")
        return letter.as_bytes()


@dataclass(slots=True)
class Trip:
    """How far a message got: once DATA has begun, silence no longer means that nothing happened."""

    data_begun: bool = False


@contextmanager
def smtp_errors_as_ours() -> Iterator[Trip]:
    """Say in our words what the server says in its own, or does not say."""
    trip = Trip()
    try:
        yield trip
    except SMTPResponseException as error:
        detail = f"smtp answered {error.code}"
        about_the_message = isinstance(error, (SMTPRecipientRefused, SMTPDataError)) and error.code not in OUR_ACCOUNT
        if about_the_message and 500 <= error.code < 600:
            raise Rejected(detail) from error
        if trip.data_begun and not 400 <= error.code < 600:
            raise OutcomeUnknown(detail) from error
        raise VendorUnavailable(detail) from error
    except (SMTPException, OSError) as error:
        kind = type(error).__name__
        if trip.data_begun:
            raise OutcomeUnknown(f"smtp took the message and did not answer: {kind}") from error
        raise VendorUnavailable(f"smtp cannot be reached: {kind}") from error

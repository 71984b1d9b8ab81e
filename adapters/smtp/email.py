"""Sends e-mails through an SMTP server."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import localtime, parseaddr
from typing import Literal

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from adapters.smtp.answers import refused
from adapters.smtp.connection_pool import SmtpConnectionPool
from core.notifications.address_validation import check_email
from core.notifications.errors import OutcomeUnknown, VendorUnavailable
from core.notifications.messages import Accepted, Email
from core.notifications.ports import EmailSender

QUEUE_ID = re.compile(r"queued as ([\w.-]+)|\bid=([\w.-]+)")  # Postfix and most others; Exim
ACQUIRE_TIMEOUT_SECONDS = 5.0
Tls = Literal["starttls", "implicit", "none"]


class SmtpEmailSender(EmailSender):
    """Sends e-mails over a pool of connections."""

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
        self._connections = SmtpConnectionPool(new, connections, min(ACQUIRE_TIMEOUT_SECONDS, timeout / 2))

    async def send(self, message: Email) -> Accepted:
        check_email(message)
        mime_message = self._mime_message(message)
        with translate_smtp_errors() as trip:
            async with self._connections.borrow() as server:
                await server.mail(self._mailbox)
                await server.rcpt(message.to)
                trip.data_begun = True
                answer = await server.data(mime_message)
        queued = QUEUE_ID.search(answer.message)
        return Accepted("smtp", (queued[1] or queued[2]) if queued else self._message_id(message))

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    def _message_id(self, email: Email) -> str:
        return f"<{email.delivery}@{self._mailbox.rpartition('@')[2]}>"

    def _mime_message(self, email: Email) -> bytes:
        mime_message = EmailMessage(SMTP_POLICY.clone(cte_type="7bit"))  # not every server accepts 8-bit bodies
        mime_message["From"] = self._sender
        mime_message["To"] = email.to
        mime_message["Subject"] = email.subject
        mime_message["Date"] = localtime()
        mime_message["Message-ID"] = self._message_id(email)
        mime_message["Auto-Submitted"] = "auto-generated"  # RFC 3834: suppresses out-of-office replies
        mime_message.set_content(email.text)
        mime_message.add_alternative(email.html, subtype="html")
        return mime_message.as_bytes()


@dataclass(slots=True)
class SendProgress:
    """The progress of one message; after the start of DATA, a missing answer means an unknown outcome."""

    data_begun: bool = False


@contextmanager
def translate_smtp_errors() -> Iterator[SendProgress]:
    """Raise the sender errors for what the server answers or fails to answer."""
    trip = SendProgress()
    try:
        yield trip
    except SMTPResponseException as error:
        if 400 <= error.code < 600:
            raise refused(error) from error
        if trip.data_begun:
            raise OutcomeUnknown(f"smtp answered {error.code}") from error
        raise VendorUnavailable(f"smtp answered {error.code}") from error
    except (SMTPException, OSError) as error:
        kind = type(error).__name__
        if trip.data_begun:
            raise OutcomeUnknown(f"smtp received the message and did not answer: {kind}") from error
        raise VendorUnavailable(f"smtp cannot be reached: {kind}") from error

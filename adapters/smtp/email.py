"""Sends e-mails through an SMTP server."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import localtime
from functools import partial

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPResponse,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPStatus,
)

from adapters.smtp.answers import refused
from adapters.smtp.client import Tls, smtp_client
from adapters.smtp.connection_pool import SmtpConnectionPool
from adapters.tls import client_context
from core.kernel.vendor_errors import OutcomeUnknown, VendorUnavailable
from core.notifications.address_validation import check_email
from core.notifications.mailbox import Mailbox
from core.notifications.messages import Accepted, Email
from core.notifications.ports import EmailSender

QUEUE_ID = re.compile(r"queued as ([\w.-]+)|\bid=([\w.-]+)")  # Postfix and most others; Exim
LINE_THAT_BEGINS_WITH_A_DOT = re.compile(rb"^\.", re.MULTILINE)


class SmtpEmailSender(EmailSender):
    """Sends e-mails over a pool of connections."""

    def __init__(
        self, *, host: str, port: int, tls: Tls, ca_file: str, user: str, password: str, sender: Mailbox,
        connections: int, connect_seconds: float, command_seconds: float, offer_seconds: float, reply_seconds: float,
    ) -> None:  # fmt: skip
        if ca_file:
            client_context("verified", ca_file, "", "")  # the client would open the file only when it connects
        new = partial(smtp_client, host, port, tls, ca_file, user, password, command_seconds)
        self._sender = sender
        self._offer_seconds, self._reply_seconds = offer_seconds, reply_seconds
        self._connections = SmtpConnectionPool(new, connections, connect_seconds)

    async def send(self, message: Email) -> Accepted:
        check_email(message)
        mime_message = self._mime_message(message)
        with translate_smtp_errors() as trip:
            async with asyncio.timeout(self._offer_seconds) as offer, self._connections.borrow() as server:
                await server.mail(self._sender.address)
                await server.rcpt(message.to)
                await begin_data(server)
                trip.data_begun = True
                offer.reschedule(None)
                answer = await finish_data(server, mime_message, self._reply_seconds)
        queued = QUEUE_ID.search(answer.message)
        return Accepted("smtp", (queued[1] or queued[2]) if queued else self._message_id(message))

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    def _message_id(self, email: Email) -> str:
        return f"<{email.delivery}@{self._sender.address.rpartition('@')[2]}>"

    def _mime_message(self, email: Email) -> bytes:
        mime_message = EmailMessage(SMTP_POLICY.clone(cte_type="7bit"))  # not every server accepts 8-bit bodies
        mime_message["From"] = Address(self._sender.name, addr_spec=self._sender.address)
        mime_message["To"] = email.to
        mime_message["Subject"] = email.subject
        mime_message["Date"] = localtime()
        mime_message["Message-ID"] = self._message_id(email)
        mime_message["Auto-Submitted"] = "auto-generated"  # RFC 3834: suppresses out-of-office replies
        mime_message.set_content(email.text)
        mime_message.add_alternative(email.html, subtype="html")
        return mime_message.as_bytes()


async def begin_data(server: SMTP) -> None:
    """Send DATA; raise `SMTPDataError` unless the server asks for the message."""
    answer = await server.execute_command(b"DATA")
    if answer.code != SMTPStatus.start_input:
        raise SMTPDataError(answer.code, answer.message)


async def finish_data(server: SMTP, message: bytes, limit_seconds: float) -> SMTPResponse:
    """Send a message with CRLF line ends; its answer has another limit than that to DATA, unlike in `SMTP.data`."""
    if server.protocol is None:
        raise SMTPServerDisconnected("Connection lost")
    server.protocol.write(LINE_THAT_BEGINS_WITH_A_DOT.sub(b"..", message) + b".\r\n")
    answer = await server.protocol.read_response(limit_seconds)
    if answer.code != SMTPStatus.completed:
        raise SMTPDataError(answer.code, answer.message)
    return answer


@dataclass(slots=True)
class SendProgress:
    """The progress of one message; once the server asked for it, a missing answer means an unknown outcome."""

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
    except (SMTPException, OSError, ValueError) as error:  # ValueError: a host or a login that cannot be encoded
        kind = type(error).__name__
        if trip.data_begun:
            raise OutcomeUnknown(f"smtp received the message and did not answer: {kind}") from error
        raise VendorUnavailable(f"smtp cannot be reached: {kind}") from error

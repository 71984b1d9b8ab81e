"""A mail server with configurable behaviour: aiosmtpd in the event loop of the test."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from config.sections.section import Secret
from config.sections.vendors import Smtp
from tests.contract.servers.certificate import certificate
from tests.contract.servers.local_vendor import AcceptedMessage, LocalVendor, VendorBehaviour, unused_port

USER, PASSWORD = "fees", "a long password"


class LocalSmtp(LocalVendor):
    key = PASSWORD

    def __init__(self, folder: Path, tls: str = "starttls") -> None:
        self.behaviour = VendorBehaviour.ACCEPT
        self.calls = 0
        self.taken: list[AcceptedMessage] = []
        self.logins: list[bool] = []
        self.answers: dict[str, str] = {}
        self.faults: dict[str, VendorBehaviour] = {}
        """What the server does instead of answering a command: fall silent, or hang up."""
        self.reply_delay = 0.0
        """Seconds between a message and the answer to it."""
        self.command_seconds, self.reply_seconds = 5.0, 0.5
        self.sessions: set[SMTP] = set()
        self.most_sessions = 0
        self.sessions_seen = 0
        self.secure: list[bool] = []
        self.tls = tls
        self.port = unused_port()
        self.authority, self._context = certificate(folder)

    def settings(self) -> Mapping[str, Any]:
        return {"smtp": Smtp(
            host="127.0.0.1", port=self.port, tls=self.tls, ca_file=str(self.authority),  # type: ignore[arg-type]
            user=USER, password=Secret(self.key), connections=2,
            command_seconds=self.command_seconds, reply_seconds=self.reply_seconds,
        )}  # fmt: skip

    async def start(self) -> None:
        wrapped = self._context if self.tls == "implicit" else None
        self._server = await asyncio.get_running_loop().create_server(
            self._session, "127.0.0.1", self.port, ssl=wrapped
        )

    async def stop(self) -> None:
        self._server.close()
        tasks = []
        for session in tuple(self.sessions):
            if session.transport is not None and not session.transport.is_closing():
                session.transport.abort()  # type: ignore[attr-defined]
            if session._handler_coroutine is not None:
                session._handler_coroutine.cancel()
                tasks.append(session._handler_coroutine)
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _session(self) -> SMTP:
        upgrade: ssl.SSLContext | None = self._context if self.tls == "starttls" else None
        return Watched(
            self, tls_context=upgrade, require_starttls=upgrade is not None, hostname="mail.example.org",
            authenticator=self._authenticate, auth_required=upgrade is not None, auth_require_tls=upgrade is not None,
            loop=asyncio.get_running_loop(),
        )  # fmt: skip

    def _authenticate(self, server: SMTP, session: Session, envelope: Envelope, how: str, login: Any) -> AuthResult:
        known = (USER.encode(), PASSWORD.encode())
        right = isinstance(login, LoginPassword) and (login.login, login.password) == known
        self.logins.append(right)
        return AuthResult(success=right and self.behaviour is not VendorBehaviour.DENY_US, handled=False)

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self.answers.get("MAIL"):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.calls += 1
        if answer := self.answers.get("RCPT"):
            return answer
        if self.behaviour is VendorBehaviour.REJECT:
            return "550 5.1.1 unknown recipient"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def fail(self, command: str, session: SMTP) -> None:
        match self.faults.get(command):
            case VendorBehaviour.FALL_SILENT:
                await asyncio.Event().wait()
            case VendorBehaviour.HANG_UP:
                assert session.transport is not None
                session.transport.abort()  # type: ignore[attr-defined]
                await asyncio.Event().wait()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.reply_delay)
        if answer := self.answers.get("DATA"):
            return answer
        match self.behaviour:
            case VendorBehaviour.THROTTLE:
                return "451 4.3.2 too many messages, try again later"
            case VendorBehaviour.BREAK:
                return "421 4.3.2 shutting down"
            case VendorBehaviour.FALL_SILENT:
                await asyncio.Event().wait()
            case VendorBehaviour.HANG_UP:
                server.transport.abort()  # type: ignore[union-attr]
            case VendorBehaviour.BABBLE:
                return "welcome to our server"
        return self.accept(session, envelope)

    def accept(self, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content, policy=policy.default)
        plain = letter.get_body(("plain",))
        assert plain is not None
        (to,) = envelope.rcpt_tos
        self.secure.append(session.ssl is not None or self.tls == "implicit")
        self.taken.append(
            AcceptedMessage(to, plain.get_content(), f"4Zx{len(self.taken)}", {"letter": letter, "envelope": envelope})
        )
        return f"250 2.0.0 Ok: queued as {self.taken[-1].id}"


class Watched(SMTP):
    """A session that its server can close."""

    def __init__(self, vendor: LocalSmtp, **options: Any) -> None:
        super().__init__(vendor, **options)
        self._vendor = vendor
        for command in ("EHLO", "RSET", "MAIL", "RCPT", "DATA"):
            self._smtp_methods[command] = partial(self._obey, command, self._smtp_methods[command])

    async def _obey(self, command: str, obey: Callable[[str], Awaitable[None]], arguments: str) -> None:
        await self._vendor.fail(command, self)
        await obey(arguments)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self not in self._vendor.sessions:
            self._vendor.sessions.add(self)
            self._vendor.sessions_seen += 1
            self._vendor.most_sessions = max(self._vendor.most_sessions, len(self._vendor.sessions))

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._vendor.sessions.discard(self)

"""The contract of `EmailSender` beyond that of every sender, and the protocols of its adapters."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from email import policy
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from adapters.smtp import connection_pool
from config.container import Application
from config.sections.section import Secret
from config.sections.vendors import Resilience, Smtp
from config.settings import Adapters, Settings
from core.kernel.vendor_errors import AccountFault, OutcomeUnknown, Rejected, VendorUnavailable
from core.notifications.delivery import Channel
from core.notifications.errors import RecipientNotAllowed, RecipientUnavailable
from tests.applications import an_application
from tests.contract.senders import EMAIL, Senders, an_email, running
from tests.contract.servers.local_vendor import LocalVendor, VendorBehaviour
from tests.contract.servers.ses import LocalSes, fault
from tests.contract.servers.smtp import LocalSmtp

ses = pytest.mark.parametrize("server", ["ses"], indirect=True)
smtp = pytest.mark.parametrize("server", ["smtp"], indirect=True)


@pytest.fixture
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LocalVendor]:
    async with running(EMAIL, request.param, tmp_path) as vendor:
        yield vendor


BAD = {
    "a subject with a second header": {"subject": "Fee\r\nBcc: all@example.org"},
    "a subject with a bare line feed": {"subject": "Fee\nBcc: all@example.org"},
    "an address with a second header": {"to": "a@example.org\r\nBcc: all@example.org"},
    "an address with a second recipient": {"to": "a@example.org, b@example.org"},
    "an address with a parameter": {"to": "a@example.org> SIZE=1"},
    "no address": {"to": "nowhere"},
    "half a character": {"text": "\ud800"},
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", EMAIL.vendors)
async def test_nothing_can_be_smuggled_into_the_headers(senders: Senders, name: str, bad: str, tmp_path: Path) -> None:
    server = EMAIL.servers[name](tmp_path) if name in EMAIL.servers else None  # not started: it is not called
    with pytest.raises(Rejected):
        await senders.open(EMAIL, name, server).send(an_email(**BAD[bad]))


async def test_a_message_cannot_drive_the_terminal(senders: Senders, capsys: pytest.CaptureFixture[str]) -> None:
    await senders.open(EMAIL, "console").send(an_email(text="paid \x1b[2J\x9b2J\r \u202eoverwritten क्\u200dष"))

    printed = capsys.readouterr().out
    assert not set("\x1b\x9b\r\u202e") & set(printed)
    assert "क्\u200dष" in printed


SENDERS = {
    "Fee Office, Pune <fees@example.org>": ("Fee Office, Pune", "fees@example.org"),
    "शुल्क कार्यालय <fees@शुल्क.भारत>": ("शुल्क कार्यालय", "fees@xn--11b1dl8b7c.xn--h2brj9c"),
    "fees@example.org": ("", "fees@example.org"),
}


@pytest.mark.parametrize(("written", "parts"), SENDERS.items())
async def test_every_vendor_gets_the_sender_in_the_form_of_its_protocol(
    senders: Senders, tmp_path: Path, written: str, parts: tuple[str, str]
) -> None:
    async with running(EMAIL, "ses", tmp_path) as ses_server, running(EMAIL, "smtp", tmp_path) as smtp_server:
        for server in (ses_server, smtp_server):
            ((name, section),) = server.settings().items()
            own = {name: msgspec.structs.replace(section, sender=written)}
            await senders.open(EMAIL, name, **own).send(an_email())

    (by_ses,), (by_smtp,) = ses_server.taken, smtp_server.taken
    header = policy.default.header_factory("From", by_ses.extra["From"])
    assert by_ses.extra["From"].isascii()
    for addresses in (header.addresses, by_smtp.extra["letter"]["From"].addresses):  # type: ignore[attr-defined]
        assert [(each.display_name, each.addr_spec) for each in addresses] == [parts]
    assert by_smtp.extra["envelope"].mail_from == parts[1]


# -- SES


@ses
@pytest.mark.parametrize(
    ("status", "kind", "message", "meaning"),
    [
        (400, "MessageRejected", "spam", Rejected),
        (400, "BadRequestException", "Illegal address", Rejected),
        (413, "RequestEntityTooLargeException", "too large", Rejected),
        (400, "AnExceptionOfNextYear", "no", Rejected),
        (
            400,
            "MessageRejected",
            "Email address is not verified. The identities failed: fees@example.org",
            AccountFault,
        ),
        (400, "MessageRejected", "Sending suspended for this account.", AccountFault),
        (400, "BadRequestException", "Configuration set does not exist.", AccountFault),
        (400, "MailFromDomainNotVerifiedException", "no", AccountFault),
        (400, "AccountSuspendedException", "no", AccountFault),
        (400, "SendingPausedException", "paused", AccountFault),
        (400, "LimitExceededException", "daily quota", AccountFault),
        (429, "TooManyRequestsException", "Daily message quota exceeded.", AccountFault),
        (403, "SignatureDoesNotMatch", "check your key", AccountFault),
        (404, "NotFoundException", "no such configuration set", AccountFault),
        (307, "", "", AccountFault),
        (400, "MessageRejected", "Email address is not verified: aarav.sharma@example.org", RecipientNotAllowed),
        (400, "ThrottlingException", "rate", VendorUnavailable),
        (429, "TooManyRequestsException", "Maximum sending rate exceeded.", VendorUnavailable),
        (429, "", "", VendorUnavailable),
        (500, "InternalServiceErrorException", "sorry", OutcomeUnknown),
        (500, "MessageRejected", "sorry", OutcomeUnknown),
        (502, "", "", OutcomeUnknown),
        (503, "ServiceUnavailable", "", OutcomeUnknown),
        (504, "", "gateway", OutcomeUnknown),
        (408, "RequestTimeoutException", "slow", OutcomeUnknown),
        (202, "", "perhaps", OutcomeUnknown),
    ],
)
async def test_ses_is_understood(
    senders: Senders, server: LocalSes, status: int, kind: str, message: str, meaning: type[Exception]
) -> None:
    for field, header in (("message", True), ("Message", False)):
        server.answer = fault(status, kind, message, field=field, header=header)
        with pytest.raises((meaning, VendorUnavailable)) as refusal:
            await senders.open(EMAIL, "ses", server).send(an_email())
        assert refusal.type is meaning or (senders.in_chain and issubclass(meaning, VendorUnavailable))
    assert server.calls == 2


@ses
@pytest.mark.parametrize("status", [400, 403, 404, 413])
async def test_the_page_of_a_proxy_is_no_answer_of_ses(senders: Senders, server: LocalSes, status: int) -> None:
    server.answer = web.Response(status=status, text="<html><h1>Request Entity Too Large", content_type="text/html")
    with pytest.raises((VendorUnavailable, RecipientNotAllowed), match=f"ses answered {status}"):
        await senders.open(EMAIL, "ses", server).send(an_email())


@ses
async def test_credentials_do_not_follow_a_redirect(senders: Senders, server: LocalSes) -> None:
    server.answer = fault(307, "", "", {"Location": f"{server.url}/elsewhere"})
    with pytest.raises(VendorUnavailable):
        await senders.open(EMAIL, "ses", server).send(an_email())
    assert not server.lured


@ses
async def test_an_endless_answer_is_not_read_to_its_end(senders: Senders, server: LocalSes) -> None:
    server.answer = web.json_response({"MessageId": "at the end", "much": "x" * 100_000})
    with pytest.raises(OutcomeUnknown):
        await senders.open(EMAIL, "ses", server).send(an_email())


@ses
async def test_http_connections_are_reused(senders: Senders, server: LocalSes) -> None:
    sender = senders.open(EMAIL, "ses", server)
    for _ in range(5):
        await sender.send(an_email())
    assert len(server.connections) == 1


# -- SMTP


@pytest.mark.parametrize("tls", ["starttls", "implicit", "none"])
async def test_mail_is_encrypted_as_configured(senders: Senders, tmp_path: Path, tls: str) -> None:
    server = LocalSmtp(tmp_path, tls)
    await server.start()
    sender = senders.open(EMAIL, "smtp", server)
    await sender.send(an_email())
    await server.stop()

    assert server.secure == [tls != "none"]
    assert server.logins == [True]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_nothing_is_sent_to_a_server_with_an_untrusted_certificate(
    senders: Senders, tmp_path: Path, tls: str
) -> None:
    server = LocalSmtp(tmp_path, tls)
    await server.start()
    stranger = Smtp(host="127.0.0.1", port=server.port, tls=tls, user="fees", password=Secret("x"))  # type: ignore[arg-type]
    with pytest.raises(VendorUnavailable):
        await senders.open(EMAIL, "smtp", smtp=stranger).send(an_email())
    await server.stop()

    assert (server.logins, server.taken) == ([], [])


@smtp
@pytest.mark.parametrize(
    ("command", "answer", "meaning"),
    [
        ("RCPT", "550 5.1.1 unknown", Rejected),
        ("RCPT", "550 5.1.1 User unknown in relay recipient table", Rejected),
        ("RCPT", "550 no such user", Rejected),
        ("RCPT", "554 5.4.4 no route to the domain", Rejected),
        ("RCPT", "556 5.1.10 null MX", Rejected),
        ("RCPT", "450 4.2.0 greylisted", RecipientUnavailable),
        ("RCPT", "450 mailbox busy", RecipientUnavailable),
        ("RCPT", "451 4.7.1 greylisted", RecipientUnavailable),
        ("RCPT", "451 try again later", RecipientUnavailable),
        ("RCPT", "452 4.2.2 mailbox full", RecipientUnavailable),
        ("RCPT", "552 5.2.2 mailbox full", RecipientUnavailable),
        ("RCPT", "552 exceeded storage allocation", RecipientUnavailable),
        ("RCPT", "550 5.7.1 relaying denied", RecipientNotAllowed),
        ("RCPT", "554 relay not permitted", RecipientNotAllowed),
        ("RCPT", "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", RecipientNotAllowed),
        ("RCPT", "550 5.7.26 unauthenticated mail", RecipientNotAllowed),
        ("RCPT", "501 5.1.3 bad address syntax", Rejected),
        ("RCPT", "454 4.7.1 Relay access denied", RecipientNotAllowed),
        ("RCPT", "530 5.7.0 authenticate first", RecipientNotAllowed),
        ("RCPT", "550 5.1.8 domain of the sender does not exist", RecipientNotAllowed),
        ("RCPT", "550 Sender verify failed", RecipientNotAllowed),
        ("RCPT", "553 Sender address rejected: not owned by user fees", RecipientNotAllowed),
        ("RCPT", "554 Service unavailable; Client host [192.0.2.1] blocked", RecipientNotAllowed),
        ("RCPT", "450 4.1.8 Domain not found", RecipientNotAllowed),
        ("RCPT", "452 4.5.3 too many", RecipientUnavailable),
        ("RCPT", "451 4.3.0 temporary lookup failure", RecipientUnavailable),
        ("RCPT", "421 4.3.2 shutting down", VendorUnavailable),
        ("MAIL", "550 5.7.1 sender rejected", AccountFault),
        ("MAIL", "450 4.7.1 too much mail", VendorUnavailable),
        ("DATA", "554 5.6.0 spam", Rejected),
        ("DATA", "554 5.7.1 spam", Rejected),
        ("DATA", "552 5.3.4 too big", Rejected),
        ("DATA", "554 Message rejected: Email address is not verified.", RecipientNotAllowed),
        ("DATA", "550 5.7.60 no permission to send as this sender", RecipientNotAllowed),
        ("DATA", "552 5.2.2 mailbox full", RecipientUnavailable),
        ("DATA", "452 4.2.2 mailbox full", RecipientUnavailable),
        ("DATA", "450 mailbox busy", RecipientUnavailable),
        ("DATA", "451 4.7.1 greylisted", RecipientUnavailable),
        ("DATA", "452 4.3.1 disk full", VendorUnavailable),
        ("DATA", "454 Throttling failure: Maximum sending rate exceeded.", VendorUnavailable),
        ("DATA", "299 whatever", OutcomeUnknown),
    ],
)
async def test_mail_servers_are_understood(
    senders: Senders, server: LocalSmtp, command: str, answer: str, meaning: type[Exception]
) -> None:
    server.answers[command] = answer
    with pytest.raises((meaning, VendorUnavailable)) as refusal:
        await senders.open(EMAIL, "smtp", server, Resilience(max_attempts=1, deadline_seconds=30)).send(an_email())
    assert refusal.type is meaning or (senders.in_chain and issubclass(meaning, VendorUnavailable))


@smtp
async def test_an_email_has_text_and_html_parts_and_a_stable_message_id(senders: Senders, server: LocalSmtp) -> None:
    email = an_email(subject="परीक्षा शुल्क का आवेदन दर्ज हुआ: BF-7K3M-9QZ4-XA2B-C " * 3)
    sender = senders.open(EMAIL, "smtp", server)
    for _ in range(2):
        await sender.send(email)

    first, second = (taken.extra["letter"] for taken in server.taken)
    assert first.get_content_type() == "multipart/alternative"
    assert first.get_body(("html",)).get_content().strip() == email.html
    assert first["Subject"] == email.subject
    assert first["Message-ID"] == second["Message-ID"] == f"<{email.delivery}@example.org>"


@smtp
async def test_without_a_queue_id_the_message_id_stands_in(senders: Senders, server: LocalSmtp) -> None:
    server.answers["DATA"] = "250 OK"
    email = an_email()
    assert (await senders.open(EMAIL, "smtp", server).send(email)).id == f"<{email.delivery}@example.org>"


@smtp
async def test_a_few_connections_carry_many_messages(senders: Senders, server: LocalSmtp) -> None:
    sender = senders.open(EMAIL, "smtp", server)
    await asyncio.gather(*(sender.send(an_email()) for _ in range(40)))

    assert len(server.taken) == 40
    assert server.sessions_seen <= 2


@smtp
async def test_a_connection_left_in_the_middle_of_a_message_is_not_used_again(
    senders: Senders, server: LocalSmtp
) -> None:
    sender = senders.open(EMAIL, "smtp", server)
    await sender.send(an_email())
    server.behaviour = VendorBehaviour.FALL_SILENT
    with pytest.raises(OutcomeUnknown):
        await sender.send(an_email())

    server.behaviour = VendorBehaviour.ACCEPT
    await sender.send(an_email())
    assert server.sessions_seen == 2


@smtp
@pytest.mark.parametrize("fault", [VendorBehaviour.FALL_SILENT, VendorBehaviour.HANG_UP], ids=lambda fault: fault.name)
@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_server_that_did_not_ask_for_the_message_has_not_taken_it(
    senders: Senders, server: LocalSmtp, command: str, fault: VendorBehaviour
) -> None:
    server.faults[command], server.command_seconds = fault, 0.2
    with pytest.raises(VendorUnavailable):
        await senders.open(EMAIL, "smtp", server).send(an_email())
    assert not server.taken


@smtp
@pytest.mark.parametrize("idle", [False, True], ids=["new connection", "idle connection"])
async def test_the_answer_to_the_message_may_take_longer_than_any_other(
    senders: Senders, server: LocalSmtp, idle: bool
) -> None:
    server.command_seconds, server.reply_seconds = 0.4, 5.0
    sender = senders.open(EMAIL, "smtp", server, Resilience(max_attempts=1, deadline_seconds=0.5))
    if idle:
        await sender.send(an_email())
    server.reply_delay = 1.0

    accepted = await sender.send(an_email())
    assert accepted.id == server.taken[-1].id


@smtp
async def test_an_idle_connection_that_is_dead_is_replaced_without_a_long_wait(
    senders: Senders, server: LocalSmtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_pool, "RSET_TIMEOUT_SECONDS", 0.1)
    sender = senders.open(EMAIL, "smtp", server)
    await sender.send(an_email())
    server.faults["RSET"] = VendorBehaviour.FALL_SILENT
    async with asyncio.timeout(3):  # less than `command_seconds`
        await sender.send(an_email())
    assert (len(server.taken), server.sessions_seen) == (2, 2)


async def test_a_server_that_does_not_greet_is_unavailable(tmp_path: Path) -> None:
    left = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    mute = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    sender = Application(
        settings=Settings(smtp=Smtp(host="127.0.0.1", port=mute.sockets[0].getsockname()[1], connect_seconds=0.1))
    ).vendors.email_vendors("smtp")
    async with asyncio.timeout(5):
        with pytest.raises(VendorUnavailable):
            await sender.send(an_email())
        await left.wait()
    mute.close()


@smtp
async def test_messages_that_wait_for_a_slow_server_are_no_failures_of_it(senders: Senders, server: LocalSmtp) -> None:
    server.reply_delay, server.reply_seconds, server.command_seconds = 0.3, 5.0, 0.2
    sender = senders.open(EMAIL, "smtp", server, Resilience(max_attempts=1, slow_seconds=0.1, minimum_calls=2))
    accepted = await asyncio.gather(*(sender.send(an_email()) for _ in range(8)))

    assert len(accepted) == len(server.taken) == 8


def test_a_claim_outlives_the_slowest_answer_of_each_vendor() -> None:
    for vendors in (("smtp",), ("ses", "smtp"), ("ses",)):
        settings = Settings(adapters=Adapters(email=vendors), smtp=Smtp(reply_seconds=3_600))  # type: ignore[arg-type]
        slowest = settings.smtp.deadline_seconds if "smtp" in vendors else settings.resilience.deadline_seconds
        leases = an_application(settings).vendors.leases()
        assert leases[Channel.EMAIL].total_seconds() > slowest
        assert leases[Channel.SMS] < timedelta(minutes=3), "text messages do not wait for a mail server"

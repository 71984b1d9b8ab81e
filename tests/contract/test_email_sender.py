"""Whatever stands behind `EmailSender` must behave like this."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from config.container import Driven
from config.settings import Adapters, Resilience, Sandbox, Secret, Settings, Smtp
from core.notifications.errors import OutcomeUnknown, Rejected, VendorUnavailable
from core.notifications.messages import DeliveryId, Email
from core.notifications.ports import EmailSender
from tests.contract.servers.local_vendor import LocalVendor, VendorBehaviour
from tests.contract.servers.ses import LocalSes, fault
from tests.contract.servers.smtp import LocalSmtp

SERVERS: dict[str, Callable[[Path], LocalVendor]] = {"ses": lambda _: LocalSes(), "smtp": LocalSmtp}
VENDORS = sorted(Driven.email_vendors.providers)
REMOTE = [name for name in VENDORS if name not in ("console", "sandbox")]
SINGLE_ATTEMPT = Resilience(tries=1, deadline_seconds=5)

Open = Callable[..., EmailSender]


def an_email(**changes: Any) -> Email:
    email = Email(
        delivery=DeliveryId(uuid4()), to="aarav.sharma@example.org", subject="परीक्षा शुल्क ₹1,500.00",
        text="प्रिय आरव,\n.\nशुल्क मिल गया।\n", html="<p>प्रिय आरव</p>",
    )  # fmt: skip
    return replace(email, **changes)


@pytest.fixture(params=["alone", "in the chain"])
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def open_sender(place: str, tmp_path: Path) -> AsyncIterator[Open]:
    opened: list[Any] = []

    def open_one(
        name: str, server: LocalVendor | None = None, resilience: Resilience = SINGLE_ATTEMPT, **more: Any
    ) -> EmailSender:
        sections: dict[str, Any] = {"sandbox": Sandbox(record=str(tmp_path / "record.jsonl"))}
        sections |= dict(server.settings()) if server else {}
        settings = Settings(adapters=Adapters(email=(name,)), resilience=resilience, **sections | more)  # type: ignore[arg-type]
        driven = Driven(settings=settings)
        opened.append(driven.email_vendors(name))
        return opened[-1] if place == "alone" else driven.email()

    yield open_one
    for vendor in opened:
        if hasattr(vendor, "close"):
            await vendor.close()


@pytest.fixture
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LocalVendor]:
    vendor = SERVERS[request.param](tmp_path)
    await vendor.start()
    yield vendor
    await vendor.stop()


every_vendor = pytest.mark.parametrize(("name", "server"), [(name, name) for name in REMOTE], indirect=["server"])
ses = pytest.mark.parametrize("server", ["ses"], indirect=True)
smtp = pytest.mark.parametrize("server", ["smtp"], indirect=True)


def test_every_remote_vendor_has_a_local_server_that_speaks_its_protocol() -> None:
    assert sorted(SERVERS) == REMOTE


@every_vendor
async def test_the_vendor_receives_exactly_what_was_sent(open_sender: Open, name: str, server: LocalVendor) -> None:
    email = an_email()
    accepted = await open_sender(name, server).send(email)

    (taken,) = server.taken
    assert (taken.to, taken.words.replace("\r\n", "\n")) == (email.to, email.text)
    assert (accepted.vendor, accepted.id) == (name, taken.id)


@pytest.mark.parametrize("name", ["console", "sandbox"])
async def test_vendors_in_this_process_number_what_they_accept(open_sender: Open, name: str) -> None:
    sender = open_sender(name)
    first, second = await sender.send(an_email()), await sender.send(an_email())

    assert (first.vendor, second.vendor) == (name, name)
    assert first.id != second.id


@every_vendor
async def test_a_refused_recipient_is_rejected_for_good(open_sender: Open, name: str, server: LocalVendor) -> None:
    server.mood = VendorBehaviour.REJECT
    with pytest.raises(Rejected):
        await open_sender(name, server).send(an_email())
    assert not server.taken


BAD = {
    "a subject with a second header": {"subject": "Fee\r\nBcc: everybody@example.org"},
    "a subject with a bare line feed": {"subject": "Fee\nBcc: everybody@example.org"},
    "an address with a second header": {"to": "a@example.org\r\nBcc: everybody@example.org"},
    "an address with a second recipient": {"to": "a@example.org, b@example.org"},
    "an address with a parameter": {"to": "a@example.org> SIZE=1"},
    "no address": {"to": "nowhere"},
    "half a character": {"text": "\ud800"},
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", VENDORS)
async def test_nothing_can_be_smuggled_into_the_headers(open_sender: Open, name: str, bad: str, tmp_path: Path) -> None:
    server = SERVERS[name](tmp_path) if name in SERVERS else None  # not started: nobody may be asked
    with pytest.raises(Rejected):
        await open_sender(name, server).send(an_email(**BAD[bad]))


@every_vendor
@pytest.mark.parametrize("mood", [VendorBehaviour.THROTTLE, VendorBehaviour.BREAK, VendorBehaviour.DENY_US])
async def test_an_unavailable_vendor_has_not_accepted_the_message(
    open_sender: Open, name: str, server: LocalVendor, mood: VendorBehaviour
) -> None:
    server.mood = mood
    with pytest.raises(VendorUnavailable):
        await open_sender(name, server).send(an_email())
    assert not server.taken


@every_vendor
async def test_wrong_credentials_are_our_fault_and_not_the_messages(
    open_sender: Open, name: str, server: LocalVendor
) -> None:
    server.key = "wrong"  # type: ignore[attr-defined]
    with pytest.raises(VendorUnavailable):
        await open_sender(name, server).send(an_email())
    assert not server.taken


@every_vendor
@pytest.mark.parametrize("mood", [VendorBehaviour.FALL_SILENT, VendorBehaviour.HANG_UP, VendorBehaviour.BABBLE])
async def test_an_invalid_response_after_the_request_was_sent_leaves_the_outcome_unknown(
    open_sender: Open, name: str, server: LocalVendor, mood: VendorBehaviour
) -> None:
    sender = open_sender(name, server, Resilience(tries=3, deadline_seconds=0.5))
    await sender.send(an_email())  # so that the deadline is spent on the answer, not on connecting
    server.mood = mood
    with pytest.raises(OutcomeUnknown):
        await sender.send(an_email())
    assert server.calls == 2


@pytest.mark.parametrize("name", REMOTE)
async def test_a_server_that_is_not_there_is_unavailable(open_sender: Open, name: str, tmp_path: Path) -> None:
    server = SERVERS[name](tmp_path)
    with pytest.raises(VendorUnavailable):
        await open_sender(name, server).send(an_email())


@every_vendor
async def test_a_vendor_that_recovers_is_used_again(open_sender: Open, name: str, server: LocalVendor) -> None:
    sender = open_sender(name, server)
    for mood in (VendorBehaviour.BREAK, VendorBehaviour.REJECT, VendorBehaviour.HANG_UP):
        server.mood = mood
        with pytest.raises((VendorUnavailable, Rejected, OutcomeUnknown)):
            await sender.send(an_email())
        server.mood = VendorBehaviour.ACCEPT
        await sender.send(an_email())
    assert len(server.taken) == 4  # with the one it hung up on: that is why its outcome was unknown


@every_vendor
async def test_a_restarted_server_is_no_unknown_outcome(open_sender: Open, name: str, server: LocalVendor) -> None:
    sender = open_sender(name, server)
    await sender.send(an_email())
    await server.stop()
    await server.start()

    await sender.send(an_email())
    assert len(server.taken) == 2


@pytest.mark.parametrize("place", ["alone"], indirect=True)
async def test_the_sandbox_appends_each_message_to_its_record_file(open_sender: Open, tmp_path: Path) -> None:
    email = an_email()
    accepted = await open_sender("sandbox").send(email)

    (line,) = (tmp_path / "record.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {
        "channel": "email",
        "delivery": str(email.delivery),
        "to": email.to,
        "subject": email.subject,
        "id": accepted.id,
    }


async def test_what_the_sandbox_refuses_it_does_not_record(open_sender: Open, tmp_path: Path) -> None:
    moody = Sandbox(record=str(tmp_path / "record.jsonl"), failing_percent=100)
    with pytest.raises(VendorUnavailable):
        await open_sender("sandbox", sandbox=moody).send(an_email())
    assert not (tmp_path / "record.jsonl").exists()


async def test_a_message_cannot_drive_the_terminal(open_sender: Open, capsys: pytest.CaptureFixture[str]) -> None:
    await open_sender("console").send(an_email(text="paid \x1b[2J\x9b2J\r \u202eoverwritten क्\u200dष"))

    printed = capsys.readouterr().out
    assert not set("\x1b\x9b\r\u202e") & set(printed)
    assert "क्\u200dष" in printed


# -- SES


@ses
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:00:00 GMT", 0.0),
        ("99999999999999999999", 3600.0),
        ("Wed, 21 Oct 9999 07:28:30 GMT", 3600.0),
        ("-5", None),
        ("nan", None),
        ("soon", None),
        (None, None),
    ],
)
async def test_a_throttled_sender_is_told_how_long_to_wait(
    open_sender: Open, server: LocalSes, header: str | None, seconds: float | None
) -> None:
    server.mood, server.retry_after, server.date = VendorBehaviour.THROTTLE, header, "Wed, 21 Oct 2026 07:28:00 GMT"
    with pytest.raises(VendorUnavailable) as refusal:
        await open_sender("ses", server).send(an_email())
    assert refusal.value.retry_after == seconds


@ses
@pytest.mark.parametrize(
    ("status", "kind", "message", "meaning"),
    [
        (400, "MessageRejected", "spam", Rejected),
        (400, "BadRequestException", "Illegal address", Rejected),
        (400, "MessageRejected", "Email address is not verified.", VendorUnavailable),
        (400, "SendingPausedException", "paused", VendorUnavailable),
        (400, "LimitExceededException", "daily quota", VendorUnavailable),
        (400, "ThrottlingException", "rate", VendorUnavailable),
        (404, "NotFoundException", "no such configuration set", VendorUnavailable),
        (500, "InternalServiceErrorException", "sorry", VendorUnavailable),
        (504, "", "gateway", OutcomeUnknown),
        (202, "", "perhaps", OutcomeUnknown),
    ],
)
async def test_ses_is_understood(
    open_sender: Open, server: LocalSes, status: int, kind: str, message: str, meaning: type[Exception]
) -> None:
    server.answer = fault(status, kind, message)
    with pytest.raises(meaning):
        await open_sender("ses", server).send(an_email())


@ses
async def test_credentials_do_not_follow_a_redirect(open_sender: Open, server: LocalSes) -> None:
    server.answer = fault(307, "", "", {"Location": f"{server.url}/elsewhere"})
    with pytest.raises(VendorUnavailable):
        await open_sender("ses", server).send(an_email())
    assert not server.lured


@ses
async def test_an_endless_answer_is_not_read_to_its_end(open_sender: Open, server: LocalSes) -> None:
    server.answer = web.json_response({"MessageId": "at the end", "much": "x" * 100_000})
    with pytest.raises(OutcomeUnknown):
        await open_sender("ses", server).send(an_email())


@ses
async def test_http_connections_are_reused(open_sender: Open, server: LocalSes) -> None:
    sender = open_sender("ses", server)
    for _ in range(5):
        await sender.send(an_email())
    assert len(server.connections) == 1


# -- SMTP


@pytest.mark.parametrize("tls", ["starttls", "implicit", "none"])
async def test_mail_is_encrypted_as_configured(open_sender: Open, tmp_path: Path, tls: str) -> None:
    server = LocalSmtp(tmp_path, tls)
    await server.start()
    sender = open_sender("smtp", server)
    await sender.send(an_email())
    await server.stop()

    assert server.secure == [tls != "none"]
    assert server.logins == [True]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_nothing_is_sent_to_a_server_with_an_untrusted_certificate(
    open_sender: Open, tmp_path: Path, tls: str
) -> None:
    server = LocalSmtp(tmp_path, tls)
    await server.start()
    stranger = Smtp(host="127.0.0.1", port=server.port, tls=tls, user="fees", password=Secret("x"))  # type: ignore[arg-type]
    with pytest.raises(VendorUnavailable):
        await open_sender("smtp", smtp=stranger).send(an_email())
    await server.stop()

    assert (server.logins, server.taken) == ([], [])


@smtp
@pytest.mark.parametrize(
    ("command", "answer", "meaning"),
    [
        ("RCPT", "550 5.1.1 unknown", Rejected),
        ("RCPT", "450 4.2.0 greylisted", VendorUnavailable),
        ("RCPT", "452 4.5.3 too many", VendorUnavailable),
        ("RCPT", "530 5.7.0 authenticate first", VendorUnavailable),
        ("DATA", "554 5.6.0 spam", Rejected),
        ("DATA", "552 5.3.4 too big", Rejected),
        ("DATA", "452 4.3.1 disk full", VendorUnavailable),
        ("DATA", "299 whatever", OutcomeUnknown),
    ],
)
async def test_mail_servers_are_understood(
    open_sender: Open, server: LocalSmtp, command: str, answer: str, meaning: type[Exception]
) -> None:
    server.answers[command] = answer
    with pytest.raises(meaning):
        await open_sender("smtp", server).send(an_email())


@smtp
async def test_an_email_has_text_and_html_parts_and_a_stable_message_id(open_sender: Open, server: LocalSmtp) -> None:
    email = an_email(subject="परीक्षा शुल्क का आवेदन दर्ज हुआ: BF-7K3M-9QZ4-XA2B-C " * 3)
    sender = open_sender("smtp", server)
    for _ in range(2):
        await sender.send(email)

    first, second = (taken.extra["letter"] for taken in server.taken)
    assert first.get_content_type() == "multipart/alternative"
    assert first.get_body(("html",)).get_content().strip() == email.html
    assert first["Subject"] == email.subject
    assert first["Message-ID"] == second["Message-ID"] == f"<{email.delivery}@example.org>"


@smtp
async def test_without_a_queue_id_the_message_id_stands_in(open_sender: Open, server: LocalSmtp) -> None:
    server.answers["DATA"] = "250 OK"
    email = an_email()
    assert (await open_sender("smtp", server).send(email)).id == f"<{email.delivery}@example.org>"


@smtp
async def test_a_few_connections_carry_many_messages(open_sender: Open, server: LocalSmtp) -> None:
    sender = open_sender("smtp", server)
    await asyncio.gather(*(sender.send(an_email()) for _ in range(40)))

    assert len(server.taken) == 40
    assert server.sessions_seen <= 2


@smtp
async def test_a_connection_left_in_the_middle_of_a_message_is_not_used_again(
    open_sender: Open, server: LocalSmtp
) -> None:
    sender = open_sender("smtp", server, Resilience(tries=1, deadline_seconds=0.5))
    await sender.send(an_email())
    server.mood = VendorBehaviour.FALL_SILENT
    with pytest.raises(OutcomeUnknown):
        await sender.send(an_email())

    server.mood = VendorBehaviour.ACCEPT
    await sender.send(an_email())
    assert server.sessions_seen == 2

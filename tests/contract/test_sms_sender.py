"""The contract of `SmsSender` beyond that of every sender, and the protocol of Twilio."""

import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from config.sections.vendors import Resilience, Sandbox, Twilio
from config.settings import Adapters, Settings
from core.kernel.vendor_errors import AccountFault, OutcomeUnknown, Rejected, VendorUnavailable
from core.notifications.errors import RecipientNotAllowed, RecipientUnavailable
from tests.applications import an_application
from tests.contract.senders import SMS, Senders, an_sms, running
from tests.contract.servers.local_vendor import LocalVendor
from tests.contract.servers.twilio import LocalTwilio, fault

twilio = pytest.mark.parametrize("server", ["twilio"], indirect=True)


@pytest.fixture
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LocalVendor]:
    async with running(SMS, request.param, tmp_path) as vendor:
        yield vendor


BAD = {
    "a local number": {"to": "9876543210"},
    "two numbers": {"to": "+919876543210,+919876543211"},
    "a line more": {"to": "+919876543210\n"},
    "digits of another script": {"to": "+९१९८७६५४३२१०"},
    "nothing to say": {"text": " \n"},
    "half a character": {"text": "\ud800"},
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", SMS.vendors)
async def test_an_undeliverable_message_is_sent_to_no_vendor(
    senders: Senders, name: str, bad: str, tmp_path: Path
) -> None:
    server = SMS.servers[name](tmp_path) if name in SMS.servers else None  # not started: it is not called
    with pytest.raises(Rejected):
        await senders.open(SMS, name, server).send(an_sms(**BAD[bad]))


async def test_a_connect_timeout_fails_over_to_the_next_vendor(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, ExitStack() as callers:
        for _ in range(2):  # the queue is full: further connections time out
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(deaf.getsockname())
        settings = Settings(
            adapters=Adapters(sms=("twilio", "sandbox")),
            twilio=Twilio(url=f"http://127.0.0.1:{deaf.getsockname()[1]}"),
            sandbox=Sandbox(record_path=str(tmp_path / "record.jsonl")),
            resilience=Resilience(max_attempts=1, deadline_seconds=1.0),
        )
        application = an_application(settings)
        accepted = await application.vendors.sms().send(an_sms())
        await application.vendors.sms_vendors("twilio").close()
    assert accepted.vendor == "sandbox"


@twilio
@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (400, 21211, Rejected),
        (400, 21614, Rejected),
        (400, 21610, Rejected),
        (400, 21617, Rejected),
        (400, 21635, Rejected),
        (400, 999999, Rejected),  # a code of next year
        (400, "21635", Rejected),
        (400, 21212, AccountFault),
        (400, 10001, AccountFault),
        (401, 20003, AccountFault),
        (401, 0, AccountFault),
        (404, 20404, AccountFault),
        (429, 63038, AccountFault),  # the quota of the day
        (302, 0, AccountFault),
        (400, 21606, RecipientNotAllowed),  # the sender, for this recipient
        (400, 21408, RecipientNotAllowed),  # a country without permission
        (400, 21608, RecipientNotAllowed),  # a trial account
        (403, 999999, RecipientNotAllowed),
        (400, 30003, RecipientUnavailable),
        (429, 20429, VendorUnavailable),
        (429, 0, VendorUnavailable),
        (400, 21611, VendorUnavailable),
        (408, 0, OutcomeUnknown),
        (500, 20500, OutcomeUnknown),
        (500, 21211, OutcomeUnknown),
        (502, 0, OutcomeUnknown),
        (503, 20503, OutcomeUnknown),
        (504, 0, OutcomeUnknown),
        (201, 0, OutcomeUnknown),
    ],
)
async def test_twilio_is_understood(
    senders: Senders, server: LocalTwilio, status: int, code: int | str, meaning: type[Exception]
) -> None:
    server.answer = fault(status, code, {"Location": f"{server.url}/elsewhere"})
    with pytest.raises((meaning, VendorUnavailable)) as refusal:
        await senders.open(SMS, "twilio", server).send(an_sms())
    assert refusal.type is meaning or (senders.in_chain and issubclass(meaning, VendorUnavailable))
    assert server.calls == 1


@twilio
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 414])
async def test_the_page_of_a_proxy_is_about_the_path_and_not_about_the_message(
    senders: Senders, server: LocalTwilio, status: int
) -> None:
    server.answer = web.Response(status=status, text="<html><h1>Bad Request</h1>", content_type="text/html")
    with pytest.raises((VendorUnavailable, RecipientNotAllowed), match=f"twilio answered {status}"):
        await senders.open(SMS, "twilio", server).send(an_sms())


@twilio
@pytest.mark.parametrize(
    ("sender", "field"),
    [("+15005550006", "From"), ("Fee Office", "From"), ("MG" + "0" * 32, "MessagingServiceSid")],
)
async def test_twilio_is_told_a_number_or_a_service(
    senders: Senders, server: LocalTwilio, sender: str, field: str
) -> None:
    section = msgspec.structs.replace(server.settings()["twilio"], sender=sender)
    await senders.open(SMS, "twilio", twilio=section).send(an_sms())

    form = server.taken[0].extra
    assert {name: form[name] for name in ("From", "MessagingServiceSid") if name in form} == {field: [sender]}

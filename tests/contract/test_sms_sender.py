"""Whatever stands behind `SmsSender` must behave like this."""

import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from config.container import Driven
from config.settings import Adapters, Resilience, Sandbox, Settings, Twilio
from core.notifications.errors import OutcomeUnknown, Rejected, VendorUnavailable
from core.notifications.messages import DeliveryId, Sms
from core.notifications.ports import SmsSender
from tests.contract.servers.local_vendor import LocalVendor, VendorBehaviour
from tests.contract.servers.twilio import LocalTwilio, fault

SERVERS: dict[str, Callable[[], LocalVendor]] = {"twilio": LocalTwilio}
VENDORS = sorted(Driven.sms_vendors.providers)
REMOTE = [name for name in VENDORS if name not in ("console", "sandbox")]
SINGLE_ATTEMPT = Resilience(tries=1, deadline_seconds=5)

Open = Callable[..., SmsSender]


def an_sms(**changes: Any) -> Sms:
    sms = Sms(delivery=DeliveryId(uuid4()), to="+919876543210", text="शुल्क ₹1,500.00 & संदर्भ BF-7K3M-9QZ4-XA2B-C")
    return replace(sms, **changes)


@pytest.fixture(params=["alone", "in the chain"])
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def open_sender(place: str, tmp_path: Path) -> AsyncIterator[Open]:
    opened: list[Any] = []

    def open_one(name: str, server: LocalVendor | None = None, resilience: Resilience = SINGLE_ATTEMPT) -> SmsSender:
        sections: dict[str, Any] = {"sandbox": Sandbox(record=str(tmp_path / "record.jsonl"))}
        sections |= dict(server.settings()) if server else {}
        settings = Settings(adapters=Adapters(sms=(name,)), resilience=resilience, **sections)  # type: ignore[arg-type]
        driven = Driven(settings=settings)
        opened.append(driven.sms_vendors(name))
        return opened[-1] if place == "alone" else driven.sms()

    yield open_one
    for vendor in opened:
        if hasattr(vendor, "close"):
            await vendor.close()


@pytest.fixture
async def server(request: pytest.FixtureRequest) -> AsyncIterator[LocalVendor]:
    vendor = SERVERS[request.param]()
    await vendor.start()
    yield vendor
    await vendor.stop()


every_vendor = pytest.mark.parametrize(("name", "server"), [(name, name) for name in REMOTE], indirect=["server"])
twilio = pytest.mark.parametrize("server", ["twilio"], indirect=True)


def test_every_remote_vendor_has_a_local_server_that_speaks_its_protocol() -> None:
    assert sorted(SERVERS) == REMOTE


@every_vendor
async def test_the_vendor_receives_exactly_what_was_sent(open_sender: Open, name: str, server: LocalVendor) -> None:
    sms = an_sms()
    accepted = await open_sender(name, server).send(sms)

    (taken,) = server.taken
    assert (taken.to, taken.words) == (sms.to, sms.text)
    assert (accepted.vendor, accepted.id) == (name, taken.id)


@pytest.mark.parametrize("name", ["console", "sandbox"])
async def test_vendors_in_this_process_number_what_they_accept(open_sender: Open, name: str) -> None:
    sender = open_sender(name)
    first, second = await sender.send(an_sms()), await sender.send(an_sms())

    assert (first.vendor, second.vendor) == (name, name)
    assert first.id != second.id


@every_vendor
async def test_a_refused_number_is_rejected_for_good(open_sender: Open, name: str, server: LocalVendor) -> None:
    server.mood = VendorBehaviour.REJECT
    with pytest.raises(Rejected):
        await open_sender(name, server).send(an_sms())


BAD = {
    "a local number": {"to": "9876543210"},
    "two numbers": {"to": "+919876543210,+919876543211"},
    "a line more": {"to": "+919876543210\n"},
    "digits of another script": {"to": "+९१९८७६५४३२१०"},
    "nothing to say": {"text": " \n"},
    "half a character": {"text": "\ud800"},
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", VENDORS)
async def test_an_undeliverable_message_is_sent_to_no_vendor(open_sender: Open, name: str, bad: str) -> None:
    server = SERVERS[name]() if name in SERVERS else None  # not started: nobody may be asked
    with pytest.raises(Rejected):
        await open_sender(name, server).send(an_sms(**BAD[bad]))


@every_vendor
@pytest.mark.parametrize("mood", [VendorBehaviour.THROTTLE, VendorBehaviour.BREAK, VendorBehaviour.DENY_US])
async def test_an_unavailable_vendor_has_not_accepted_the_message(
    open_sender: Open, name: str, server: LocalVendor, mood: VendorBehaviour
) -> None:
    server.mood = mood
    with pytest.raises(VendorUnavailable):
        await open_sender(name, server).send(an_sms())
    assert not server.taken


@every_vendor
async def test_wrong_credentials_are_our_fault_and_not_the_messages(
    open_sender: Open, name: str, server: LocalVendor
) -> None:
    server.key = "wrong"  # type: ignore[attr-defined]
    with pytest.raises(VendorUnavailable):
        await open_sender(name, server).send(an_sms())
    assert not server.taken


@every_vendor
@pytest.mark.parametrize("mood", [VendorBehaviour.FALL_SILENT, VendorBehaviour.HANG_UP, VendorBehaviour.BABBLE])
async def test_an_invalid_response_after_the_request_was_sent_leaves_the_outcome_unknown(
    open_sender: Open, name: str, server: LocalVendor, mood: VendorBehaviour
) -> None:
    sender = open_sender(name, server, Resilience(tries=3, deadline_seconds=0.5))
    await sender.send(an_sms())  # so that the deadline is spent on the answer, not on connecting
    server.mood = mood
    with pytest.raises(OutcomeUnknown):
        await sender.send(an_sms())
    assert server.calls == 2


@pytest.mark.parametrize("name", REMOTE)
async def test_a_server_that_is_not_there_is_unavailable(open_sender: Open, name: str) -> None:
    with pytest.raises(VendorUnavailable):
        await open_sender(name, SERVERS[name]()).send(an_sms())


async def test_a_connect_timeout_fails_over_to_the_next_vendor(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, ExitStack() as callers:
        for _ in range(2):  # its queue is full: nobody else gets through
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(deaf.getsockname())
        settings = Settings(
            adapters=Adapters(sms=("twilio", "sandbox")),
            twilio=Twilio(url=f"http://127.0.0.1:{deaf.getsockname()[1]}"),
            sandbox=Sandbox(record=str(tmp_path / "record.jsonl")),
            resilience=Resilience(tries=1, deadline_seconds=1.0),
        )
        driven = Driven(settings=settings)
        accepted = await driven.sms().send(an_sms())
        await driven.sms_vendors("twilio").close()
    assert accepted.vendor == "sandbox"


@every_vendor
async def test_a_restarted_server_is_no_unknown_outcome(open_sender: Open, name: str, server: LocalVendor) -> None:
    sender = open_sender(name, server)
    await sender.send(an_sms())
    await server.stop()
    await server.start()

    await sender.send(an_sms())
    assert len(server.taken) == 2


async def test_the_sandbox_appends_each_message_to_its_record_file(open_sender: Open, tmp_path: Path) -> None:
    sms = an_sms()
    accepted = await open_sender("sandbox").send(sms)

    (line,) = (tmp_path / "record.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {
        "channel": "sms", "delivery": str(sms.delivery), "to": sms.to, "text": sms.text, "id": accepted.id,
    }  # fmt: skip


@twilio
@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0), ("99999999999", 3600.0), (None, None)]
)
async def test_a_throttled_sender_is_told_how_long_to_wait(
    open_sender: Open, server: LocalTwilio, header: str | None, seconds: float | None
) -> None:
    server.mood, server.retry_after, server.date = VendorBehaviour.THROTTLE, header, "Wed, 21 Oct 2026 07:28:00 GMT"
    with pytest.raises(VendorUnavailable) as refusal:
        await open_sender("twilio", server).send(an_sms())
    assert refusal.value.retry_after == seconds


@twilio
@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (400, 21211, Rejected),
        (400, 21614, Rejected),
        (400, 21610, Rejected),
        (400, 21617, Rejected),
        (400, 21606, VendorUnavailable),  # our own number
        (400, 21408, VendorUnavailable),  # a country our account may not reach
        (404, 20404, VendorUnavailable),
        (500, 20500, VendorUnavailable),
        (504, 0, OutcomeUnknown),
        (201, 0, OutcomeUnknown),
        (302, 0, VendorUnavailable),
    ],
)
async def test_twilio_is_understood(
    open_sender: Open, server: LocalTwilio, status: int, code: int, meaning: type[Exception]
) -> None:
    server.answer = fault(status, code, {"Location": f"{server.url}/elsewhere"})
    with pytest.raises(meaning):
        await open_sender("twilio", server).send(an_sms())

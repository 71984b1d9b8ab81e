"""The common contract of `EmailSender` and `SmsSender`, for every adapter."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from config.sections.vendors import Resilience, Sandbox, Ses, Smtp, Twilio
from config.settings import Adapters, Settings
from core.kernel.vendor_errors import OutcomeUnknown, Rejected, VendorUnavailable
from tests.applications import an_application
from tests.contract.senders import EMAIL, IN_PROCESS, KINDS, SMS, SenderKind, Senders, running
from tests.contract.servers.http import HttpVendor
from tests.contract.servers.local_vendor import LocalVendor, VendorBehaviour

REMOTE = [pytest.param(kind, name, id=f"{kind.channel}-{name}") for kind in KINDS for name in kind.remote]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.channel)
every_vendor = pytest.mark.parametrize(("kind", "name"), REMOTE)


@pytest.fixture
async def server(kind: SenderKind, name: str, tmp_path: Path) -> AsyncIterator[LocalVendor]:
    async with running(kind, name, tmp_path) as vendor:
        yield vendor


@every_kind
def test_every_remote_vendor_has_a_local_server_that_speaks_its_protocol(kind: SenderKind) -> None:
    assert sorted(kind.servers) == kind.remote


@every_vendor
async def test_the_vendor_receives_exactly_what_was_sent(
    senders: Senders, kind: SenderKind, name: str, server: LocalVendor
) -> None:
    message = kind.a_message()
    accepted = await senders.open(kind, name, server).send(message)

    (taken,) = server.taken
    assert (taken.to, taken.words.replace("\r\n", "\n")) == (message.to, message.text)
    assert (accepted.vendor, accepted.id) == (name, taken.id)


@every_kind
@pytest.mark.parametrize("name", IN_PROCESS)
async def test_vendors_in_this_process_number_what_they_accept(senders: Senders, kind: SenderKind, name: str) -> None:
    sender = senders.open(kind, name)
    first, second = await sender.send(kind.a_message()), await sender.send(kind.a_message())

    assert (first.vendor, second.vendor) == (name, name)
    assert first.id != second.id


@every_vendor
async def test_a_refused_recipient_is_rejected_for_good(
    senders: Senders, kind: SenderKind, name: str, server: LocalVendor
) -> None:
    server.behaviour = VendorBehaviour.REJECT
    with pytest.raises(Rejected):
        await senders.open(kind, name, server).send(kind.a_message())
    assert not server.taken


@every_vendor
@pytest.mark.parametrize("behaviour", [VendorBehaviour.THROTTLE, VendorBehaviour.DENY_US])
async def test_an_unavailable_vendor_has_not_accepted_the_message(
    senders: Senders, kind: SenderKind, name: str, server: LocalVendor, behaviour: VendorBehaviour
) -> None:
    server.behaviour = behaviour
    with pytest.raises(VendorUnavailable):
        await senders.open(kind, name, server).send(kind.a_message())
    assert not server.taken


@every_vendor
async def test_a_server_error_proves_nothing_except_as_a_reply_of_a_mail_server(
    senders: Senders, kind: SenderKind, name: str, server: LocalVendor
) -> None:
    server.behaviour = VendorBehaviour.BREAK
    with pytest.raises(VendorUnavailable if name == "smtp" else OutcomeUnknown):
        await senders.open(kind, name, server, Resilience(max_attempts=3, deadline_seconds=5)).send(kind.a_message())
    assert name == "smtp" or server.calls == 1


@pytest.mark.parametrize(("kind", "name"), [(EMAIL, "ses"), (SMS, "twilio")], ids=["ses", "twilio"])
async def test_a_message_that_was_taken_behind_a_502_is_sent_by_no_vendor_again(
    kind: SenderKind, name: str, server: HttpVendor, tmp_path: Path
) -> None:
    server.behaviour = VendorBehaviour.TAKE_AND_BREAK
    record = tmp_path / "record.jsonl"
    adapters: dict[str, Any] = {kind.channel: (name, "sandbox")}
    settings = Settings(
        adapters=Adapters(**adapters), sandbox=Sandbox(record_path=str(record)), **dict(server.settings())
    )
    vendors = an_application(settings).vendors
    channel = getattr(vendors, kind.channel)()
    with pytest.raises(OutcomeUnknown):
        await channel.send(kind.a_message())
    await getattr(vendors, f"{kind.channel}_vendors")(name).close()

    assert (len(server.taken), record.exists()) == (1, False)
    assert channel.standings()[0].reason.startswith(f"{name} answered 502")  # its Retry-After holds other messages


@every_vendor
async def test_wrong_credentials_are_our_fault_and_not_the_messages(
    senders: Senders, kind: SenderKind, name: str, server: LocalVendor
) -> None:
    server.key = "wrong"  # type: ignore[attr-defined]
    with pytest.raises(VendorUnavailable):
        await senders.open(kind, name, server).send(kind.a_message())
    assert not server.taken


@every_vendor
@pytest.mark.parametrize("behaviour", [VendorBehaviour.FALL_SILENT, VendorBehaviour.HANG_UP, VendorBehaviour.BABBLE])
async def test_an_invalid_response_after_the_request_was_sent_leaves_the_outcome_unknown(
    senders: Senders, kind: SenderKind, name: str, server: LocalVendor, behaviour: VendorBehaviour
) -> None:
    sender = senders.open(kind, name, server, Resilience(max_attempts=3, deadline_seconds=0.5))
    await sender.send(kind.a_message())  # so that the deadline does not include the connect
    server.behaviour = behaviour
    with pytest.raises(OutcomeUnknown):
        await sender.send(kind.a_message())
    assert server.calls == 2


@every_vendor
async def test_a_server_that_is_not_there_is_unavailable(
    senders: Senders, kind: SenderKind, name: str, tmp_path: Path
) -> None:
    with pytest.raises(VendorUnavailable):
        await senders.open(kind, name, kind.servers[name](tmp_path)).send(kind.a_message())


@pytest.mark.parametrize(
    ("kind", "name", "section"),
    [
        (EMAIL, "ses", Ses(url="ftp://mail.example.org")),
        (EMAIL, "ses", Ses(url="http://mail..example.org")),
        (EMAIL, "smtp", Smtp(host="mail..example.org")),
        (SMS, "twilio", Twilio(url="api.twilio.com")),
        (SMS, "twilio", Twilio(url="http://" + "a" * 64 + ".example.org")),
    ],
)
async def test_an_address_that_cannot_be_called_is_no_unknown_outcome(
    senders: Senders, kind: SenderKind, name: str, section: Any
) -> None:
    with pytest.raises(VendorUnavailable):
        await senders.open(kind, name, **{name: section}).send(kind.a_message())


@every_vendor
async def test_a_vendor_that_recovers_is_used_again(
    senders: Senders, kind: SenderKind, name: str, server: LocalVendor
) -> None:
    sender = senders.open(kind, name, server)
    for behaviour in (VendorBehaviour.BREAK, VendorBehaviour.REJECT, VendorBehaviour.HANG_UP):
        server.behaviour = behaviour
        with pytest.raises((VendorUnavailable, Rejected, OutcomeUnknown)):
            await sender.send(kind.a_message())
        server.behaviour = VendorBehaviour.ACCEPT
        await sender.send(kind.a_message())
    assert len(server.taken) == 4  # the message with an unknown outcome was accepted


@every_vendor
async def test_a_restarted_server_is_no_unknown_outcome(
    senders: Senders, kind: SenderKind, name: str, server: LocalVendor
) -> None:
    sender = senders.open(kind, name, server)
    await sender.send(kind.a_message())
    await server.stop()
    await server.start()

    await sender.send(kind.a_message())
    assert len(server.taken) == 2


@every_kind
async def test_the_sandbox_appends_each_message_to_its_record_file(
    senders: Senders, kind: SenderKind, tmp_path: Path
) -> None:
    message = kind.a_message()
    accepted = await senders.open(kind, "sandbox").send(message)

    (line,) = (tmp_path / "record.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {
        "channel": kind.channel,
        "delivery": str(message.delivery),
        "to": message.to,
        kind.recorded_field: getattr(message, kind.recorded_field),
        "id": accepted.id,
    }


@every_kind
async def test_what_the_sandbox_refuses_it_does_not_record(senders: Senders, kind: SenderKind, tmp_path: Path) -> None:
    failing = Sandbox(record_path=str(tmp_path / "record.jsonl"), failure_percent=100)
    with pytest.raises(VendorUnavailable):
        await senders.open(kind, "sandbox", sandbox=failing).send(kind.a_message())
    assert not (tmp_path / "record.jsonl").exists()


@pytest.mark.parametrize(("kind", "name"), [(EMAIL, "ses"), (SMS, "twilio")], ids=["ses", "twilio"])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:00:00 GMT", 0.0),
        ("99999999999", 3600.0),
        ("99999999999999999999", 3600.0),
        ("Wed, 21 Oct 9999 07:28:30 GMT", 3600.0),
        ("-5", None),
        ("nan", None),
        ("soon", None),
        (None, None),
    ],
)
async def test_a_throttled_sender_is_told_how_long_to_wait(
    senders: Senders, kind: SenderKind, name: str, server: HttpVendor, header: str | None, seconds: float | None
) -> None:
    server.behaviour, server.retry_after = VendorBehaviour.THROTTLE, header
    server.date = "Wed, 21 Oct 2026 07:28:00 GMT"
    with pytest.raises(VendorUnavailable) as refusal:
        await senders.open(kind, name, server).send(kind.a_message())
    assert refusal.value.retry_after == seconds

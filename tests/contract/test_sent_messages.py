"""The contract of `SentMessages`, for every adapter."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from adapters.sandbox import sent_messages as sent
from config.container.vendors import Vendors
from config.sections.vendors import Resilience, Sandbox
from config.settings import Adapters, Settings
from core.kernel.vendor_errors import OutcomeUnknown, VendorUnavailable
from core.notifications.delivery import Channel
from core.notifications.messages import DeliveryId, Email, Sms
from core.notifications.status_reports import DeliveryStatus, VendorReport
from tests.applications import an_application
from tests.contract.servers.local_vendor import VendorBehaviour
from tests.contract.servers.twilio import LocalTwilio, fault

A_MINUTE = timedelta(minutes=1)
OLD = {"date_created": format_datetime(datetime(2020, 1, 1, tzinfo=UTC))}
NAMED = [(channel, name) for channel in Channel for name in getattr(Vendors, f"{channel}_records").providers]


def an_sms(**changes: Any) -> Sms:
    sms = Sms(delivery=DeliveryId(uuid4()), to="+919876543210", text="शुल्क ₹1,500.00 & संदर्भ BF-7K3M-9QZ4-XA2B-C")
    return replace(sms, **changes)


def an_email() -> Email:
    return Email(delivery=DeliveryId(uuid4()), to="asha@example.org", subject="Your fee", text="शुल्क", html="<p>शुल्क</p>")


@pytest.fixture
async def server() -> AsyncIterator[LocalTwilio]:
    vendor = LocalTwilio()
    await vendor.start()
    yield vendor
    await vendor.stop()


class VendorHarness:
    """One vendor: its sender, and its lookup of sent messages."""

    def __init__(self, channel: Channel, name: str, server: LocalTwilio, folder: Path) -> None:
        adapters = Adapters(**{str(channel): (name,)})  # type: ignore[arg-type]
        settings = Settings(
            adapters=adapters,
            sandbox=Sandbox(record_path=str(folder / "record.jsonl")),
            resilience=Resilience(deadline_seconds=1),
            **server.settings(),
        )
        application = an_application(settings)
        self.sender = getattr(application.vendors, f"{channel}_vendors")(name)
        self.records = application.vendors.records()[channel][name]
        self.a_message: Any = an_sms if channel is Channel.SMS else an_email
        self.began = datetime.now(UTC)

    async def find(self, message: Email | Sms) -> VendorReport | None:
        assert self.records is not None
        return await self.records.find(message, self.began, self.began + A_MINUTE)

    async def close(self) -> None:
        for each in (self.sender, self.records):
            if hasattr(each, "close"):
                await each.close()


@pytest.fixture
async def vendor_harness(
    request: pytest.FixtureRequest, server: LocalTwilio, tmp_path: Path
) -> AsyncIterator[VendorHarness]:
    made = VendorHarness(*getattr(request, "param", (Channel.SMS, "twilio")), server, tmp_path)
    yield made
    await made.close()


everywhere = pytest.mark.parametrize("vendor_harness", NAMED, ids=str, indirect=True)


@everywhere
async def test_an_accepted_message_is_found_under_its_vendor_reference(vendor_harness: VendorHarness) -> None:
    messages = [vendor_harness.a_message(), vendor_harness.a_message()]
    if isinstance(messages[0], Sms):
        messages[1] = replace(messages[1], to="+919876543211")
    told = [await vendor_harness.sender.send(message) for message in messages]

    found = [await vendor_harness.find(message) for message in messages]
    assert [(each.vendor, each.id, each.learnt) for each in found if each] == [
        (each.vendor, each.id, DeliveryStatus.FOUND) for each in told
    ]


@everywhere
async def test_what_was_never_taken_is_not_there(vendor_harness: VendorHarness) -> None:
    assert await vendor_harness.find(vendor_harness.a_message()) is None
    if isinstance(message := vendor_harness.a_message(), Sms):
        await vendor_harness.sender.send(an_sms(to="+919876543211"))
    else:
        await vendor_harness.sender.send(vendor_harness.a_message())
    assert await vendor_harness.find(message) is None


def test_only_vendors_that_can_answer_are_asked() -> None:
    settings = Settings(adapters=Adapters(email=("ses", "smtp", "console", "sandbox"), sms=("twilio", "console")))
    asked = {
        name: known is not None
        for records in an_application(settings).vendors.records().values()
        for name, known in records.items()
    }

    assert asked == {"ses": False, "smtp": False, "console": False, "sandbox": True, "twilio": True}


async def test_the_record_of_the_sandbox_is_read_back_over_any_number_of_blocks(
    tmp_path: Path, server: LocalTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor_harness = VendorHarness(Channel.SMS, "sandbox", server, tmp_path)
    messages = [an_sms(text="शुल्क " * number) for number in range(1, 40)]
    told = [await vendor_harness.sender.send(message) for message in messages]
    with (tmp_path / "record.jsonl").open("a") as record:
        record.write(f'{{"channel": "sms", "delivery": "{messages[0].delivery}", "id": "half')  # incomplete

    for size in (1, 7, 100, 1_000, 1 << 20):
        monkeypatch.setattr(sent, "BLOCK_BYTES", size)
        for number in (0, 1, 20, 38) if size > 1 else (38,):
            found = await vendor_harness.find(messages[number])
            assert found is not None, size
            assert found.id == told[number].id


ENDS = {
    "queued": DeliveryStatus.FOUND,
    "sending": DeliveryStatus.FOUND,
    "sent": DeliveryStatus.FOUND,
    "a word of next year": DeliveryStatus.FOUND,
    "delivered": DeliveryStatus.DELIVERED,
    "undelivered": DeliveryStatus.BOUNCED,
    "failed": DeliveryStatus.BOUNCED,
}


@pytest.mark.parametrize(("status", "learnt"), ENDS.items())
async def test_twilio_tells_what_became_of_it(
    vendor_harness: VendorHarness, server: LocalTwilio, status: str, learnt: DeliveryStatus
) -> None:
    await vendor_harness.sender.send(message := an_sms())
    server.messages[0] |= {"status": status, "error_code": 30008}

    found = await vendor_harness.find(message)
    assert found is not None
    assert (found.learnt, found.detail) == (learnt, f"twilio says {status}, error 30008")


@pytest.mark.parametrize(
    ("statuses", "learnt"),
    [
        (("failed", "delivered"), DeliveryStatus.DELIVERED),
        (("delivered", "failed"), DeliveryStatus.DELIVERED),
        (("undelivered", "queued"), DeliveryStatus.FOUND),
        (("sent", "delivered", "failed"), DeliveryStatus.DELIVERED),
        (("failed", "undelivered"), DeliveryStatus.BOUNCED),
    ],
)
async def test_of_several_matching_messages_the_best_counts_and_all_are_told(
    vendor_harness: VendorHarness, server: LocalTwilio, statuses: tuple[str, ...], learnt: DeliveryStatus
) -> None:
    message = an_sms()
    for number, status in enumerate(statuses):
        await vendor_harness.sender.send(message)
        server.messages[number]["status"] = status

    found = await vendor_harness.find(message)
    assert found is not None
    assert found.learnt is learnt
    assert f"{len(statuses)} messages were sent" in found.detail
    others = {taken.id for taken in server.taken} - {found.id}
    assert all(sid in found.detail for sid in others)


async def test_a_message_that_is_still_queued_is_found_though_it_has_no_date_of_sending(
    vendor_harness: VendorHarness, server: LocalTwilio
) -> None:
    await vendor_harness.sender.send(message := an_sms())

    assert server.messages[0]["date_sent"] is None
    assert await vendor_harness.find(message)
    assert not any("DateSent" in name for query in server.queries for name in query)


async def test_it_is_found_on_the_last_page(vendor_harness: VendorHarness, server: LocalTwilio) -> None:
    await vendor_harness.sender.send(message := an_sms())
    old = server.messages[0] | OLD
    server.messages[:0] = [old | {"sid": f"SM{number:032x}"} for number in range(100, 107)]

    found = await vendor_harness.find(message)
    assert found is not None
    assert found.id == server.taken[0].id
    assert len(server.queries) == 4


async def test_the_same_words_at_another_time_are_another_message(
    vendor_harness: VendorHarness, server: LocalTwilio
) -> None:
    await vendor_harness.sender.send(message := an_sms())
    for moment in (vendor_harness.began - 2 * A_MINUTE, vendor_harness.began + 3 * A_MINUTE):
        server.messages[0]["date_created"] = format_datetime(moment)
        assert await vendor_harness.find(message) is None


async def test_an_inbound_message_is_not_matched(vendor_harness: VendorHarness, server: LocalTwilio) -> None:
    await vendor_harness.sender.send(message := an_sms())
    server.messages[0] |= {"direction": "inbound"}

    assert await vendor_harness.find(message) is None


REPLACED = {
    "quotes and dashes": ("“Fees” – 50 ₹ — ‘now’ «go»…", '"Fees" - 50 ₹ - \'now\' "go"...'),
    "spaces": ("Fee\u00a0due\u2009on\u200b 9\u202fMay\ufeff", "Fee  due  on 9  May"),
    "spaces at the ends": (" Fee due\n", "Fee due"),
    "a fraction": ("½ of the fee", "1/2 of the fee"),
    "full-width characters": ("ＢＦ－７Ｋ３Ｍ＠９", "BF-7K3M@9"),
    "small capitals": ("ʙꜰ ᴘᴀɪᴅ", "BF PAID"),
    "combining characters": ("fee\u0332 a\u0302 o\u0338", "fee_ a^ o/"),
    "a letter that looks like a sign": ("Paid\u01c3 ʺyesʺ", 'Paid! "yes"'),
    "composed letters": ("Zoe\u0308 क\u093c", "Zoë \u0958"),
    "a trial account": ("Exam fee", "Sent from your Twilio trial account - Exam fee"),
}


@pytest.mark.parametrize(("text", "body"), REPLACED.values(), ids=REPLACED)
async def test_a_message_is_found_though_twilio_replaced_characters_in_it(
    vendor_harness: VendorHarness, server: LocalTwilio, text: str, body: str
) -> None:
    await vendor_harness.sender.send(message := an_sms(text=text))
    server.messages[0]["body"] = body

    found = await vendor_harness.find(message)
    assert found is not None
    assert found.id == server.taken[0].id


OPEN: dict[str, dict[str, Any]] = {
    "other words": {"body": "Sent from your Twilio trial account - Another fee"},
    "another digit": {"body": "शुल्क ₹1,500.01 & संदर्भ BF-7K3M-9QZ4-XA2B-C"},
    "another vowel sign": {"body": "शील्क ₹1,500.00 & संदर्भ BF-7K3M-9QZ4-XA2B-C"},
    "no words any more": {"body": ""},
    "no date": {"date_created": None},
    "no name": {"sid": None},
}


@pytest.mark.parametrize("change", OPEN.values(), ids=OPEN)
async def test_a_message_to_the_number_that_may_be_ours_leaves_it_open(
    vendor_harness: VendorHarness, server: LocalTwilio, change: dict[str, Any]
) -> None:
    await vendor_harness.sender.send(message := an_sms())
    server.messages[0] |= change

    with pytest.raises(OutcomeUnknown):
        await vendor_harness.find(message)


async def test_a_list_without_end_leaves_it_open(vendor_harness: VendorHarness, server: LocalTwilio) -> None:
    server.page = 1
    await vendor_harness.sender.send(an_sms())
    server.messages[:] = [server.messages[0] | OLD] * 30

    with pytest.raises(OutcomeUnknown, match="by hand"):
        await vendor_harness.find(an_sms())
    assert len(server.queries) < 30


async def test_a_list_that_goes_on_elsewhere_is_not_followed(
    vendor_harness: VendorHarness, server: LocalTwilio
) -> None:
    await vendor_harness.sender.send(an_sms())
    server.messages[:] = [server.messages[0] | OLD] * 5
    server.next_path = "/elsewhere"

    with pytest.raises(OutcomeUnknown):
        await vendor_harness.find(an_sms())
    assert not server.lured


@pytest.mark.parametrize(
    "behaviour",
    [
        VendorBehaviour.THROTTLE,
        VendorBehaviour.BREAK,
        VendorBehaviour.DENY_US,
        VendorBehaviour.FALL_SILENT,
        VendorBehaviour.HANG_UP,
        VendorBehaviour.BABBLE,
    ],
)
async def test_a_vendor_in_trouble_has_not_said_that_it_is_not_there(
    vendor_harness: VendorHarness, server: LocalTwilio, behaviour: VendorBehaviour
) -> None:
    server.behaviour = behaviour
    with pytest.raises(VendorUnavailable):
        await vendor_harness.find(an_sms())


async def test_an_answer_of_another_shape_is_no_answer(vendor_harness: VendorHarness, server: LocalTwilio) -> None:
    server.answer = fault(200, 0)
    with pytest.raises(VendorUnavailable):
        await vendor_harness.find(an_sms())


async def test_pages_as_large_as_twilio_sends_them_are_read(vendor_harness: VendorHarness, server: LocalTwilio) -> None:
    await vendor_harness.sender.send(message := an_sms())
    long = server.messages[0] | OLD | {"body": "शु" * 300}
    server.page = 100
    server.messages[:0] = [long] * 99

    assert await vendor_harness.find(message)

"""The bytes of webhooks: encrypted where they are stored, in no event, and read by all that processes them."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import update

from adapters.encoding import message_from_event
from adapters.sql.payments.tables import webhooks
from config.container import Application, running
from config.sections.section import Secret
from config.sections.vendors import Sandbox
from config.settings import Encryption, Settings
from core.kernel.encryption import create_key
from core.messaging.dead_letters import DeadLetterFilter
from core.messaging.message import Message
from core.messaging.retention import RetainedRecords
from core.payments.events import WebhookReceived
from core.payments.open_fee_accounts import ChargedFee
from core.payments.order import OrderTerms
from entrypoints.messages.consumer import Consumer
from entrypoints.routes import ROUTES
from tests.contract.test_encryption import dump, execute, rotate
from tests.contract.test_fee_accounts import inr, read
from tests.databases import DatabasePool
from tests.examples import NOON, ids, unpublished

SECRET = b"asha.kulkarni@payer.example"
KEY = create_key()
stored_only = pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
Opened = Callable[..., AbstractAsyncContextManager[Application]]


@pytest.fixture
async def with_keys(stored_settings: Settings, prepared: DatabasePool, tmp_path: Path) -> AsyncIterator[Opened]:
    """Open an application with a gateway on the same database again and again, each time with other keys."""
    async with prepared.acquire(stored_settings) as settings:

        @asynccontextmanager
        async def opened(keys: str = KEY) -> AsyncIterator[Application]:
            adapters = msgspec.structs.replace(settings.adapters, payments=("sandbox",))
            given = msgspec.structs.replace(
                settings,
                adapters=adapters,
                encryption=Encryption(keys=Secret(keys)),
                sandbox=Sandbox(book_path=str(tmp_path / "book.jsonl")),
            )
            async with running(Application(settings=given, routes=ROUTES)) as application:
                yield application

        yield opened


async def charged(application: Application) -> tuple[UUID, UUID]:
    """Open a fee and an order; return their ids."""
    fee, order = ids.new(), ids.new()
    made = ChargedFee(
        submission=fee, student=ids.new(), reference=f"BF-{fee.hex[-12:]}".upper(), schedule="S", total=inr(500),
        pay_by=None, at=NOON,
    )  # fmt: skip
    await application.use_cases().payments.open_fee_accounts([made])
    async with application.payments.new_work() as work:
        account = (await work.accounts.lock([fee]))[fee]
        account.open_order(order, "sandbox", NOON, OrderTerms()).gateway_order = "o-1"
        work.accounts.save(account)
        await work.commit()
    return fee, order


async def received(application: Application, order: UUID, name: str = "pay-1") -> bytes:
    """Receive a signed webhook of a payment; return its bytes."""
    told: dict[str, Any] = {
        "order": str(order),
        "gateway_order": "o-1",
        "id": name,
        "state": "captured",
        "minor": 500,
        "currency": "INR",
        "method": SECRET.decode(),
        "at": NOON.isoformat(),
    }
    now = application.process.clock().now()
    signed = application.gateways.sandbox_webhooks().sign("payment.captured", told, now)
    headers: Mapping[str, str] = {name.lower(): value for name, value in dict(signed.headers).items()}
    for _ in range(2):  # the gateway repeats it
        await application.use_cases().payments.receive_webhook("sandbox", headers, signed.body)
    return signed.body


async def waiting(application: Application) -> Sequence[Message]:
    return [each.message for each in await unpublished(application, 1000) if each.message.type == "WebhookReceived"]


async def process(application: Application, messages: Sequence[Message]) -> None:
    await Consumer(application.messaging.new_inbox, ROUTES, application.use_cases())(messages)


async def reasons(application: Application) -> Sequence[str]:
    page = await application.use_cases().messaging.list_dead_letters(DeadLetterFilter(), None, 10)
    return [each.reason for each in page.items]


@stored_only
async def test_no_stored_value_and_no_event_has_the_bytes_and_the_payment_is_recorded(with_keys: Opened) -> None:
    async with with_keys() as application:
        fee, order = await charged(application)
        body = await received(application, order)
        (message,) = await waiting(application)
        content = await dump(application)

        assert SECRET in body
        assert SECRET not in content
        assert body[:40] not in content
        assert SECRET not in message.body
        await process(application, [message])
        assert [each.amount for each in (await read(application, fee)).payments] == [inr(500)]


@stored_only
async def test_after_a_rotation_the_older_key_reads_no_webhook_and_is_not_needed(with_keys: Opened) -> None:
    first, second = create_key(), create_key()
    async with with_keys(first) as application:
        fee, order = await charged(application)
        await received(application, order)
    async with with_keys(f"{second}\n{first}") as application:
        assert (await rotate(application)).encrypted == 1
    async with with_keys(second) as application:
        await process(application, await waiting(application))
        assert len((await read(application, fee)).payments) == 1


@stored_only
async def test_a_webhook_that_cannot_be_decrypted_holds_up_no_other_and_is_a_dead_letter(with_keys: Opened) -> None:
    async with with_keys() as application:
        fee, order = await charged(application)
        await received(application, order, "pay-1")
        await received(application, order, "pay-2")
        first, second = await waiting(application)
        damaged = update(webhooks).where(webhooks.c.id == first.subject).values(encrypted_body=b"\1damaged" * 9)
        await execute(application, damaged)

        await process(application, [first, second])

        assert [each.gateway_payment for each in (await read(application, fee)).payments] == ["pay-2"]
        assert await reasons(application) == ["UnreadableWebhook"]


async def test_an_event_of_an_earlier_version_is_read_from_its_own_bytes(with_keys: Opened) -> None:
    async with with_keys() as application:
        fee, order = await charged(application)
        body = await received(application, order)
        (message,) = await waiting(application)
        older = WebhookReceived(at=NOON, subject=ids.new(), version=1, gateway="sandbox", body=body)

        await process(application, [message_from_event(older, ids.new()), replace(message, id=ids.new())])

        assert len((await read(application, fee)).payments) == 1


async def test_purged_bytes_change_nothing_and_a_late_replay_says_what_is_missing(with_keys: Opened) -> None:
    async with with_keys() as application:
        fee, order = await charged(application)
        await received(application, order)
        (message,) = await waiting(application)
        await process(application, [message])

        later = application.process.clock().now() + timedelta(seconds=1)
        assert await application.messaging.retention().purge(RetainedRecords.WEBHOOKS, later, 10) == 1
        await process(application, [replace(message, id=ids.new())])

        assert len((await read(application, fee)).payments) == 1
        assert await reasons(application) == ["UnreadableWebhook"]

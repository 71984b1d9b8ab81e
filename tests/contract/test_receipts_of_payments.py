"""A captured payment gets one receipt, whatever happens to its message and to those that are numbered beside it."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text

from config.container import Application
from core.kernel.errors import Unavailable
from core.messaging.message import Message
from core.receipts.receipt import IssuedReceipt
from entrypoints.messages.consumer import Consumer
from entrypoints.routes import ROUTES
from tests.contract import receipts_process
from tests.contract.payment_messages import captured, restoration, reversal
from tests.examples import ids

MYSQL = pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)


def consumer(application: Application) -> Consumer:
    return Consumer(application.messaging.new_inbox, ROUTES, application.use_cases())


async def deliver(consume: Consumer, messages: Sequence[Message]) -> None:
    """Deliver messages as a broker does: again, as long as they are not processed."""
    async with asyncio.timeout(120):
        while True:
            with suppress(Unavailable):
                await consume(messages)
                return


async def receipts(application: Application) -> Sequence[IssuedReceipt]:
    found = await application.use_cases().receipts.list_receipts(before="R-2026-27-9999999999", limit=10_000)
    return found[::-1]


async def check(application: Application, payments: int) -> None:
    """Check that all payments have a receipt, and that the numbers are 1, 2, 3 …"""
    found = await receipts(application)
    assert [int(each.number[-6:]) for each in found] == list(range(1, payments + 1))
    assert len({each.payment for each in found}) == payments
    deposits = await application.use_cases().ledger.show_balance("clearing:sandbox")
    assert [each.minor for each in deposits.balances] == [150_000 * payments]
    assert application.storage.memory().dead_letters == {}


@pytest.mark.parametrize("size", [1, 7])
async def test_a_payment_that_is_told_again_has_one_receipt(stored: Application, size: int) -> None:
    consume, messages = consumer(stored), [captured() for _ in range(size)]
    told_again = [replace(each, id=ids.new()) for each in messages]

    for batch in (messages, messages, told_again):
        await consume(batch)

    await check(stored, size)


async def test_a_reversed_payment_leaves_a_void_receipt(stored: Application) -> None:
    payments = [ids.new(), ids.new()]

    await consumer(stored)([captured(payments[0]), captured(payments[1]), reversal(payments[0])])

    first, second = await receipts(stored)
    assert (first.payment, bool(first.void), second.void) == (payments[0], True, None)


async def numbered(application: Application, year: str) -> Sequence[tuple[str, UUID, str, bool]]:
    """Return number, payment, what it replaces, and whether it is void, of each receipt of a year."""
    list_receipts = application.use_cases().receipts.list_receipts
    found = await list_receipts(before=f"R-{year}-9999999999", limit=100)
    return [(each.number, each.payment, each.replaces, bool(each.void)) for each in found[::-1]]


async def test_what_a_bank_took_back_and_restored_gets_a_number_of_its_own_that_names_the_void_one(
    stored: Application,
) -> None:
    consume, payment, lost, again = consumer(stored), ids.new(), ids.new(), ids.new()
    story = [captured(payment), reversal(payment, lost), restoration(payment, lost)]
    await consume(story)

    old = ("R-2026-27-000001", payment, "", True)
    new = ("R-2027-28-000001", lost, "R-2026-27-000001", False)
    assert await numbered(stored, "2026-27") == [old]
    assert await numbered(stored, "2027-28") == [new]

    await consume([replace(each, id=ids.new()) for each in story])  # an operator replays it all
    assert await numbered(stored, "2027-28") == [new]

    await consume([reversal(payment, again, [lost]), restoration(payment, again)])
    third = ("R-2027-28-000002", again, "R-2026-27-000001", False)
    assert await numbered(stored, "2026-27") == [old]
    assert await numbered(stored, "2027-28") == [(*new[:3], True), third]


async def test_a_refund_that_its_bank_returned_has_voided_no_receipt_and_gets_none(stored: Application) -> None:
    consume, payment = consumer(stored), ids.new()

    await consume([captured(payment), restoration(payment, ids.new(), cause="surplus")])

    assert await numbered(stored, "2026-27") == [("R-2026-27-000001", payment, "", False)]
    assert await numbered(stored, "2027-28") == []


@MYSQL
async def test_concurrent_consumers_lose_no_payment_and_no_number(stored: Application) -> None:
    """Each payment is delivered twice to two of four consumers, as after a rebalance, in other batches and orders."""
    messages, seeded = [captured() for _ in range(200)], random.Random(1)

    async def work(mine: list[Message]) -> None:
        consume = consumer(stored)
        seeded.shuffle(mine)
        while mine:
            batch = [mine.pop() for _ in range(min(len(mine), seeded.choice([1, 8, 30])))]
            await deliver(consume, batch)

    await asyncio.gather(*(work(messages[place % 2 :: 2] * 2) for place in range(4)))

    await check(stored, 200)
    async with stored.storage.database().reading() as connection:
        assert await connection.scalar(text("SELECT COUNT(*) FROM dead_letters")) == 0
        assert await connection.scalar(text("SELECT last_number FROM receipt_counters")) == 200


@MYSQL
async def test_a_held_counter_delays_a_payment_and_refuses_none(stored: Application) -> None:
    consume, message = consumer(stored), captured()
    await consume([captured()])

    async with stored.storage.database().transaction() as (connection, transaction):
        await connection.execute(text("UPDATE receipt_counters SET last_number = last_number + 1"))
        with pytest.raises(Unavailable):
            await consume([message])
        await transaction.rollback()
    await deliver(consume, [message])

    await check(stored, 2)


def started(application: Application, module: str = receipts_process.__name__) -> subprocess.Popen[str]:
    """Start a process on the same database; one of receipts consumes the same payments from the first one."""
    mysql = application.settings().mysql
    names = {"HOST": mysql.host, "PORT": str(mysql.port), "DATABASE": mysql.database, "USER": mysql.user}
    given = {f"BURSAR__MYSQL__{word}": value for word, value in names.items()}
    given |= {"BURSAR__MYSQL__PASSWORD": mysql.password.reveal(), "BURSAR__ADAPTERS__PERSISTENCE": "mysql"}
    command = [sys.executable, "-m", module]
    return subprocess.Popen(command, env=os.environ | given, stdout=subprocess.PIPE, text=True)


async def killed_after(application: Application, batches: int) -> None:
    """Kill a process when it has committed so many batches and works on the next."""
    process = started(application)
    for _ in range(batches):
        assert process.stdout
        assert await asyncio.to_thread(process.stdout.readline) == "committed\n"
    process.kill()
    await asyncio.to_thread(process.communicate)


async def killed_between_draw_and_commit(application: Application, payment: UUID) -> None:
    """Kill a process that has drawn the numbers of a batch, and waits to store the receipt of one payment."""
    async with application.storage.database().transaction() as (connection, transaction):
        row = "'X', '2026-27', 1, :payment, '', '', '', '', 'INR', 1, '', NOW(), '', '', NOW(), ''"
        await connection.execute(text(f"INSERT INTO receipts VALUES ({row})"), {"payment": payment.bytes})
        process = started(application)
        async with asyncio.timeout(60), application.storage.database().autocommit() as other:
            waits = "SELECT COUNT(*) FROM performance_schema.data_lock_waits WHERE ENGINE = 'INNODB'"
            held = "SELECT COUNT(*) FROM performance_schema.data_locks WHERE OBJECT_NAME = 'receipt_counters'"
            while not (await other.scalar(text(waits)) and await other.scalar(text(held))):
                await asyncio.sleep(0)
        process.kill()
        await asyncio.to_thread(process.communicate)
        await transaction.rollback()


@MYSQL
async def test_killed_processes_leave_one_receipt_a_payment_and_no_gap(stored: Application) -> None:
    await killed_after(stored, 1)
    await killed_between_draw_and_commit(stored, receipts_process.payment(30))
    await killed_after(stored, 3)
    await killed_between_draw_and_commit(stored, receipts_process.payment(95))

    process = started(stored)
    output = (await asyncio.to_thread(process.communicate, timeout=60))[0]

    assert output.splitlines()[-1] == "finished"
    await check(stored, receipts_process.PAYMENTS)

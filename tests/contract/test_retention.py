"""The contract of `Retention`, for every adapter."""

from datetime import timedelta

from config.container import Application
from core.messaging.message import Message
from core.messaging.purge_expired_records import PurgeExpiredRecords
from core.messaging.retention import RetainedRecords
from tests.examples import StoppedClock, a_message, a_request
from tests.units_of_work import any_work

KEEP = {RetainedRecords.REQUESTS: timedelta(hours=24), RetainedRecords.INBOX: timedelta(days=14)}


async def test_only_records_past_their_retention_are_purged(stored: Application) -> None:
    clock = StoppedClock()
    stored.process.clock.override(clock)
    forget = PurgeExpiredRecords(stored.messaging.retention(), KEEP, clock)
    old_message, new_message = a_message(), a_message()
    await remember(stored, "old", old_message)
    clock.pass_by(timedelta(hours=20))
    await remember(stored, "new", new_message)
    clock.pass_by(timedelta(hours=5))

    assert await forget() == {RetainedRecords.REQUESTS: 1, RetainedRecords.INBOX: 0}
    assert await stored.messaging.answers().find(a_request("old")) is None
    assert await stored.messaging.answers().find(a_request("new")) == b'"answer"'

    clock.pass_by(timedelta(days=14) - timedelta(hours=25) + timedelta(seconds=1))
    assert (await forget())[RetainedRecords.INBOX] == 1
    async with stored.messaging.new_inbox() as inbox:
        assert list(await inbox.deduplicate(old_message, new_message)) == [old_message]


async def test_large_purges_run_in_several_deletes(stored: Application) -> None:
    clock = StoppedClock()
    stored.process.clock.override(clock)
    for number in range(5):
        await remember(stored, f"key-{number}", a_message())
    clock.pass_by(timedelta(days=1))

    retention = stored.messaging.retention()
    gone = [await retention.purge(RetainedRecords.REQUESTS, clock.now(), 2) for _ in range(4)]

    assert gone == [2, 2, 1, 0]


async def remember(application: Application, key: str, message: Message) -> None:
    async with any_work(application) as work:
        work.record_answer(a_request(key), "answer")
        await work.commit()
    async with application.messaging.new_inbox() as inbox:
        await inbox.deduplicate(message)
        await inbox.commit()

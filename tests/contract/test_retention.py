"""The contract of `Retention`, for every adapter."""

from datetime import timedelta

from config.container import Application
from config.container.messaging import periods
from config.settings import Settings
from core.identity.passwords.password_method import PasswordCredential
from core.kernel.authorization import acting_as
from core.messaging.message import Message
from core.messaging.purge_expired_records import PurgeExpiredRecords
from core.messaging.retention import RetainedRecords
from tests.examples import StoppedClock, a_message, a_request
from tests.unit.identity.harness import GOOD_PASSWORD, Office
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


async def test_sessions_go_a_day_after_they_expired_and_links_when_they_do(stored: Application) -> None:
    office = await Office.over(stored).open()
    forget = PurgeExpiredRecords(stored.messaging.retention(), periods(Settings().retention), office.clock)
    account, views = await office.with_password(), stored.identity.session_views()
    ended, refreshed = await office.signed_in(account), await office.signed_in(account)
    with acting_as(await office.principal(ended)):
        await office.identity.end_session(ended.session)
    await office.identity.create_password_link(account.id)
    gone = []
    for pause in (timedelta(days=1), timedelta(seconds=1), timedelta(days=7), timedelta(hours=1)):
        office.clock.pass_by(pause)
        counted = await forget()
        gone.append((counted[RetainedRecords.SESSIONS], counted[RetainedRecords.LINKS]))
        if pause == timedelta(seconds=1):
            await office.identity.refresh_session(refreshed.refresh_token)

    assert gone == [(0, 0), (0, 1), (1, 0), (0, 0)]
    assert (await views.find(ended.session), (await views.find(refreshed.session)).id) == (None, refreshed.session)
    await office.identity.sign_in(PasswordCredential(login="meenakshi", password=GOOD_PASSWORD))


async def test_a_link_that_was_renewed_is_kept(stored: Application) -> None:
    office = await Office.over(stored).open()
    account = await office.account()
    await office.identity.create_password_link(account.id, "meenakshi")
    office.clock.pass_by(timedelta(days=2))
    link = await office.identity.create_password_link(account.id)

    assert await stored.messaging.retention().purge(RetainedRecords.LINKS, office.clock.now(), 10) == 0
    await office.identity.set_password(link.token, GOOD_PASSWORD)


async def remember(application: Application, key: str, message: Message) -> None:
    async with any_work(application) as work:
        work.record_answer(a_request(key), "answer")
        await work.commit()
    async with application.messaging.new_inbox() as inbox:
        await inbox.deduplicate(message)
        await inbox.commit()

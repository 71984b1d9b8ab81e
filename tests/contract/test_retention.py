"""Whatever stands behind `Retention` must behave like this."""

from datetime import timedelta

from config.container import Application
from core.shared.forget_old_messages import ForgetOldMessages
from core.shared.messages import Message
from core.shared.retention import Memory
from tests.examples import StoppedClock, a_message, a_request

KEEP = {Memory.REQUESTS: timedelta(hours=24), Memory.INBOX: timedelta(days=14)}


async def test_what_is_older_than_anybody_may_repeat_it_is_forgotten_and_nothing_else(stored: Application) -> None:
    clock = StoppedClock()
    stored.driven.clock.override(clock)
    forget = ForgetOldMessages(stored.driven.retention(), KEEP, clock)
    old_message, new_message = a_message(), a_message()
    await remember(stored, "old", old_message)
    clock.pass_by(timedelta(hours=20))
    await remember(stored, "new", new_message)
    clock.pass_by(timedelta(hours=5))

    assert await forget() == {Memory.REQUESTS: 1, Memory.INBOX: 0}
    assert await stored.driven.answers().to(a_request("old")) is None
    assert await stored.driven.answers().to(a_request("new")) == b'"answer"'

    clock.pass_by(timedelta(days=14) - timedelta(hours=25) + timedelta(seconds=1))
    assert (await forget())[Memory.INBOX] == 1
    async with stored.driven.new_inbox() as inbox:
        assert list(await inbox.accept(old_message, new_message)) == [old_message]


async def test_more_than_one_delete_can_hold_is_forgotten_in_several(stored: Application) -> None:
    clock = StoppedClock()
    stored.driven.clock.override(clock)
    for number in range(5):
        await remember(stored, f"key-{number}", a_message())
    clock.pass_by(timedelta(days=1))

    retention = stored.driven.retention()
    gone = [await retention.forget(Memory.REQUESTS, clock.now(), 2) for _ in range(4)]

    assert gone == [2, 2, 1, 0]


async def remember(application: Application, key: str, message: Message) -> None:
    async with application.driven.new_work() as work:
        work.answer(a_request(key), "answer")
        await work.commit()
    async with application.driven.new_inbox() as inbox:
        await inbox.accept(message)
        await inbox.commit()

"""A submitted fee is owed, whatever happens to its message."""

from core.kernel.money import Money
from core.messaging.message import Message
from tests.examples import a_schedule, publish
from tests.unit.messages.harness import ConsumerHarness, a_command


async def submitted(harness: ConsumerHarness) -> list[Message]:
    """Submit two fees; return their events."""
    await harness.consume([a_command("T-1"), a_command("T-2")])
    return [each for each in harness.store.events.values() if each.type == "FeeSubmitted"]


async def owed(harness: ConsumerHarness, account: str) -> list[Money]:
    return list((await harness.use_cases.ledger.show_balance(account)).balances)


async def test_each_submitted_fee_is_owed_by_its_candidate() -> None:
    harness = await ConsumerHarness().open()

    await harness.consume(await submitted(harness))

    [first, second] = harness.store.submissions.values()
    for each in (first, second):
        assert await owed(harness, f"candidate:{each.student}") == [each.total]
    assert await owed(harness, "income:examination") == [-(first.total + second.total)]


async def test_a_fee_is_charged_once_however_often_its_event_arrives() -> None:
    harness = await ConsumerHarness().open()
    events = await submitted(harness)

    await harness.consume(events)
    harness.store.inbox.clear()
    await harness.consume(events)

    assert await owed(harness, "income:examination") == [Money(-100_000, "INR")]
    assert harness.dead_letters == {}


async def test_a_fee_that_costs_nothing_is_not_charged() -> None:
    harness = await ConsumerHarness().open()
    await publish(harness.application, a_schedule(amount=0, version=2))

    await harness.consume(await submitted(harness))

    assert len(harness.submitted) == 2
    assert await owed(harness, "income:examination") == []

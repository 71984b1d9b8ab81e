import asyncio
from datetime import timedelta

import pytest

from core.messaging.outbox import PublishFailure
from core.notifications.delivery import Delivery, DeliveryState
from tests.examples import NOON, a_delivery, a_message
from tests.unit.cli.runner import CliRunner

RUDE, SHOWN = "\x1b[2J\x1b]0;x\x07no\nsent (UTC)\u202e", r"\x1b[2J\x1b]0;x\x07no\nsent (UTC)\u202e"


def doubtful(runner: CliRunner, **changes: object) -> Delivery:
    delivery = a_delivery(state=DeliveryState.UNDECIDED, **changes)
    runner.store.deliveries[delivery.id] = delivery
    return delivery


def test_control_characters_from_a_vendor_are_escaped(runner: CliRunner) -> None:
    doubtful(runner, reason=RUDE)
    code, out, _ = runner.run("deliveries", "list")

    assert (code, SHOWN in out) == (0, True)


def test_control_characters_from_a_broker_are_escaped(runner: CliRunner) -> None:
    async def refuse() -> None:
        runner.store.outbox = {1: a_message()}
        outbox = runner.application.messaging.outbox()
        await outbox.block([PublishFailure((await outbox.unpublished(1))[0], RUDE)])

    asyncio.run(refuse())
    code, out, _ = runner.run("outbox")

    assert (code, SHOWN in out) == (0, True)


def test_deliveries_of_a_period_are_listed(runner: CliRunner) -> None:
    early, late = doubtful(runner), doubtful(runner, due_at=NOON + timedelta(days=1))
    day = f"{NOON + timedelta(hours=1):%Y-%m-%dT%H:%MZ}"

    for option, there, elsewhere in (("--from", late, early), ("--to", early, late)):
        _, out, _ = runner.run("deliveries", "list", option, day)
        assert (str(there.id) in out, str(elsewhere.id) in out) == (True, False)


def test_the_operating_system_user_is_the_default_settler(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "asha")
    delivery = doubtful(runner)
    code, _, err = runner.run("deliveries", "settle", str(delivery.id), "--as", "sent", "--why", "she has it")

    assert (code, err) == (0, "")
    assert runner.store.status_reports[delivery.id][0].detail == "sent, says asha: she has it"

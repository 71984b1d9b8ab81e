import asyncio
import json
import os
import pwd
from datetime import timedelta

import pytest

from core.messaging.outbox import PublishFailure
from core.notifications.delivery import Channel, Delivery, DeliveryState
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
    monkeypatch.setenv("LOGNAME", "another")
    user = pwd.getpwuid(os.geteuid()).pw_name
    delivery = doubtful(runner)
    code, _, err = runner.run("deliveries", "settle", str(delivery.id), "--as", "sent", "--why", "she has it")

    assert (code, err) == (0, "")
    assert runner.store.status_reports[delivery.id][0].detail == f"sent, says {user}: she has it"


def rejected(runner: CliRunner, channel: Channel = Channel.EMAIL, **changes: object) -> Delivery:
    delivery = a_delivery(channel, state=DeliveryState.REJECTED, due_at=NOON - timedelta(hours=1), **changes)
    runner.store.deliveries[delivery.id] = delivery
    return delivery


def test_a_resend_by_filter_shows_what_it_would_do_before_it_does_it(runner: CliRunner) -> None:
    found, other = rejected(runner, reason=RUDE), rejected(runner, Channel.SMS)
    words = ("deliveries", "resend", "--channel", "email", "--why", "the sender is verified", "--who", "Asha")

    code, out, _ = runner.run(*words)
    assert (code, "1 deliveries would be resent; nothing was changed: add --yes" in out) == (0, True)
    assert not set("\x1b\x07") & set(out)
    assert runner.store.deliveries[found.id].state is DeliveryState.REJECTED
    assert json.loads(runner.run(*words, "--json")[1])["count"] == 1

    assert json.loads(runner.run(*words, "--yes", "--json")[1]) == {"resent": 1, "failed": 0}
    states = [runner.store.deliveries[each.id].state for each in (found, other)]
    assert states == [DeliveryState.PENDING, DeliveryState.REJECTED]
    [report] = runner.store.status_reports[found.id]
    assert (report.learnt, report.detail) == ("settled", "send again, says Asha: the sender is verified")


def test_named_deliveries_are_resent_at_once_and_each_refusal_is_told(runner: CliRunner) -> None:
    first, second = rejected(runner), doubtful(runner)
    sent = a_delivery(state=DeliveryState.SENT)
    runner.store.deliveries[sent.id] = sent
    names = [str(each.id) for each in (first, sent, second)]
    code, out, err = runner.run("deliveries", "resend", *names, "no-id", "--why", "a test", "--who", "Asha")

    assert (code, out.strip()) == (3, "2 resent, 2 failed")
    assert (f"{sent.id}: the delivery is sent" in err, "'no-id'" in err) == (True, True)
    assert runner.store.deliveries[sent.id].state is DeliveryState.SENT


@pytest.mark.parametrize(
    "words", [[], ["--state", "sent", "--yes"], ["--rate", "5", "ID"], ["--state", "expired", "ID"], ["--yes"]]
)
def test_a_resend_without_a_selection_or_with_two_changes_nothing(runner: CliRunner, words: list[str]) -> None:
    delivery = rejected(runner)
    named = [str(delivery.id) if word == "ID" else word for word in words]
    code, out, _ = runner.run("deliveries", "resend", *named, "--why", "a test", "--who", "Asha")

    assert (code != 0, out) == (True, "")
    assert runner.store.deliveries[delivery.id].state is DeliveryState.REJECTED

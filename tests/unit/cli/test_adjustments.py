import asyncio
import json

from core.fees.submit_exam_fee import ExamFeeSubmission
from core.kernel.authorization import SYSTEM, acting_as
from core.payments.adjustment import AdjustmentState
from entrypoints.messages.consumer import Consumer
from entrypoints.routes import ROUTES
from tests.examples import a_request, a_schedule, a_student, enrol, publish, unpublished
from tests.unit.cli.runner import CliRunner


async def deliver(runner: CliRunner) -> None:
    consume = Consumer(runner.application.messaging.new_inbox, ROUTES, runner.application.use_cases())
    with acting_as(SYSTEM):
        await consume([each.message for each in await unpublished(runner.application, 1000)])


async def submitted(runner: CliRunner) -> None:
    """Submit two fees by a version, and publish a corrected one."""
    await publish(runner.application, a_schedule(version=1))
    for number in (1, 2):
        await enrol(runner.application, a_student(number))
        wanted = ExamFeeSubmission(schedule="sahyadri-test", registration=f"T-{number}", papers=("041",))
        with acting_as(SYSTEM):
            await runner.application.use_cases().fees.submit_exam_fee(wanted, a_request(f"fee-{number}"))
    await deliver(runner)
    await publish(runner.application, a_schedule(amount=40_000, version=2))


def test_a_corrected_schedule_is_counted_started_and_left_to_another_person(runner: CliRunner) -> None:
    asyncio.run(submitted(runner))

    code, line, _ = runner.run("reprice", "count", "sahyadri-test", "--json")
    counted = json.loads(line)
    assert (code, counted["state"], counted["changes"], counted["figures"]["refunded_minor"]) == (
        0,
        "counted",
        2,
        20_000,
    )
    wrong = runner.run("reprice", "start", counted["id"], "--confirm", "3", "--why", "a wrong price")
    assert (wrong[0], wrong[2].partition(":")[0]) == (3, "repricing-not-ready")
    _, table, _ = runner.run("reprice", "start", counted["id"], "--confirm", "2", "--why", "a wrong price")
    assert "2 of ₹200.00" in table
    asyncio.run(deliver(runner))

    _, line, _ = runner.run("adjust", "list", "--json")
    tasks = [each["adjustment"] for each in json.loads(line)["items"]]
    refused = runner.run("adjust", "decide", "approve", tasks[0], "--why", "as resolved")
    all_refused = runner.run("adjust", "decide", "refuse", "--all-of", "sahyadri-test", "--why", "as resolved")

    assert (refused[0], "same-person" in refused[2]) == (3, True)
    assert (all_refused[0], all_refused[2].count("same-person")) == (3, 2)
    assert len(tasks) == 2
    assert {each.state for each in runner.application.storage.memory().adjustments.values()} == {AdjustmentState.OPEN}

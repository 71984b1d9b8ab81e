"""The judge finds each sabotaged guarantee; otherwise a run without findings would prove nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.chaos.faults import Kill, NetworkFault, Point
from tests.chaos.plan import Step
from tests.chaos.run import Result, Run
from tests.chaos.servers import running_stack
from tests.chaos.workers import fork_server
from tests.containers import no_docker

pytestmark = pytest.mark.asyncio(loop_scope="module")
RUN_SECONDS = 5.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def run(request: pytest.FixtureRequest) -> AsyncIterator[Run]:
    if reason := no_docker():
        pytest.skip(reason) if not request.config.getoption("--require-stack") else pytest.fail(reason)
    async with running_stack() as stack, fork_server() as server:
        yield Run(stack, server, say=lambda _: None)


async def broken(run: Run, folder: Path, sabotage: str, *steps: Step) -> Result:
    result = await run(folder, steps, seed=0, seconds=RUN_SECONDS, sabotage=sabotage)
    assert not result.passed
    return result


async def test_without_the_inbox_it_reports_duplicate_effects(run: Run, tmp_path: Path) -> None:
    # more than once, because a batch may have messages of other kinds only
    deaths = [Step(at, Point("after_effect_before_offset")) for at in (1.6, 2.4, 3.2)]
    result = await broken(run, tmp_path, "inbox", *deaths)

    assert result.line["faults"]["after_effect_before_offset"] >= 1
    assert result.line["duplicate_effects"] > 0
    assert result.line["lost"] == result.line["out_of_order"] == 0


async def test_with_the_delete_before_the_acknowledgement_it_reports_losses(run: Run, tmp_path: Path) -> None:
    # some of them while they hold deleted events
    deaths = [Step(at, Kill(f"relay-{number}")) for at in (1.8, 2.6, 3.4) for number in (1, 2, 3)]
    result = await broken(run, tmp_path, "acknowledgement", Step(1.0, NetworkFault("broker", "cut", 3.0)), *deaths)

    assert result.line["lost"] > 0
    assert any("no record" in finding for finding in result.findings.of["lost"])
    assert result.line["duplicate_effects"] == 0


async def test_without_the_order_guard_it_reports_disorder(run: Run, tmp_path: Path) -> None:
    result = await broken(run, tmp_path, "order")

    assert result.line["out_of_order"] > 0
    assert result.line["lost"] == result.line["duplicate_effects"] == 0


@pytest.mark.parametrize("sabotage", ["piece", "batch"])
async def test_with_a_lost_unit_or_an_unsaved_batch_it_reports_broken_conservation(
    run: Run, tmp_path: Path, sabotage: str
) -> None:
    result = await broken(run, tmp_path, sabotage)

    assert result.line["stock_not_conserved"] > 0
    assert result.line["lost"] == result.line["duplicate_effects"] == result.line["stock_untold"] == 0


async def test_with_a_payment_for_each_report_it_reports_doubled_money(run: Run, tmp_path: Path) -> None:
    result = await broken(run, tmp_path, "webhook")

    assert result.line["money_duplicates"] > 0
    assert result.line["lost"] == 0


async def test_with_a_refund_that_is_not_reserved_it_reports_money_that_went_back_twice(
    run: Run, tmp_path: Path
) -> None:
    result = await broken(run, tmp_path, "refund")

    assert result.line["money_disagrees"] > 0
    assert result.line["lost"] == 0

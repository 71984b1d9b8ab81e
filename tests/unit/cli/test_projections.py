import json

import pytest

from tests.inventory_harness import InventoryHarness
from tests.unit.cli.runner import CliRunner

REBUILD = ("projections", "rebuild", "inventory")


@pytest.fixture
def busy(runner: CliRunner) -> CliRunner:
    """Return a runner with three allocated lines that are not projected."""
    import asyncio

    async def work() -> None:
        inventory = InventoryHarness(runner.application)
        await inventory.buy("B-1")
        for number in range(3):
            await inventory.allocate(f"order-{number}")

    asyncio.run(work())
    return runner


def test_a_rebuild_prints_its_counts(busy: CliRunner) -> None:
    code, out, err = busy.run(*REBUILD)

    expected = "inventory was built anew from 4 events and is read now; 0 older rows were deleted\n"
    assert (code, out, err) == (0, expected, "")
    assert len(busy.store.line_views) == 3


def test_a_rebuild_prints_its_counts_as_json(busy: CliRunner) -> None:
    busy.run(*REBUILD)
    code, out, _ = busy.run(*REBUILD, "--json")

    assert code == 0
    told = json.loads(out)
    assert {name: told[name] for name in ("projection", "generation", "events", "forgotten")} == {
        "projection": "inventory",
        "generation": 3,
        "events": 4,
        "forgotten": 5,
    }


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_an_unknown_projection_is_refused_with_the_known_ones(runner: CliRunner, form: tuple[str, ...]) -> None:
    code, out, err = runner.run("projections", "rebuild", "fees", *form)

    assert (code, out) == (1, "")
    assert err == "unknown-projection: there is no projection 'fees'; there are inventory, ledger, submissions\n"


def test_a_second_rebuild_is_refused_with_the_time_to_try_again(busy: CliRunner) -> None:
    busy.store.projections["inventory"] = busy.store.projections["inventory"]._replace(
        until=busy.application.process.clock().now().replace(year=2027)
    )
    code, out, err = busy.run(*REBUILD)

    assert (code, out) == (3, "")
    assert err == "rebuild-under-way: inventory is being rebuilt; if that was killed, try again in 30 s\n"


@pytest.mark.parametrize("words", [("projections",), ("projections", "--help"), (*REBUILD[:2], "--help")])
def test_the_help_shows_the_command_and_an_example(runner: CliRunner, words: tuple[str, ...]) -> None:
    _, out, _ = runner.run(*words)

    assert ("bursar projections rebuild inventory" in " ".join(out.replace("│", " ").split())) == (len(words) == 3)
    assert "rebuild" in out

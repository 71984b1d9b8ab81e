import json
from dataclasses import replace

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


@pytest.fixture
def projected(busy: CliRunner) -> CliRunner:
    """Return a runner whose views are as the log says."""
    busy.run(*REBUILD)
    return busy


def test_the_projections_are_listed_with_what_they_follow_from(runner: CliRunner) -> None:
    code, out, _ = runner.run("projections", "list")
    told = json.loads(runner.run("projections", "list", "--json")[1])

    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["projection", "inventory", "ledger", "submissions"]
    assert told[1] == {"name": "ledger", "contexts": ["fees", "payments", "settlements"], "has_generations": False}


def test_all_projections_are_verified_in_one_line_each(projected: CliRunner) -> None:
    code, out, err = projected.run("projections", "verify", "all")

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "inventory: 5 rows follow from 4 events; nothing differs",
        "ledger: 0 rows follow from 0 events; nothing differs",
        "submissions: 0 rows follow from 0 events; nothing differs",
    ]


def test_a_difference_ends_with_1_and_is_named_without_its_value(projected: CliRunner) -> None:
    views = projected.store.line_views
    key = next(iter(views))
    views[key] = replace(views[key], quantity=77)

    code, out, err = projected.run("projections", "verify", "inventory")
    told = json.loads(projected.run("projections", "verify", "inventory", "--json")[1])

    assert (code, err) == (1, "")
    assert "WRONG: 0 rows are missing, 1 columns differ, 0 rows follow from no event" in " ".join(out.split())
    assert "line_views" in out
    assert "quantity" in out
    assert "77" not in out
    assert (told[0]["different"], told[0]["differences"][0]["column"]) == (1, "quantity")


def test_everything_is_rebuilt_in_turn(projected: CliRunner) -> None:
    code, out, err = projected.run("projections", "rebuild", "all")

    assert (code, err) == (0, "")
    assert [line.split(" ")[0] for line in out.splitlines()] == ["inventory", "ledger:", "submissions:"]


def test_one_aggregate_without_an_event_is_refused_by_name(projected: CliRunner) -> None:
    nothing = "00000000-0000-0000-0000-000000000001"
    code, out, err = projected.run("projections", "rebuild", "submissions", "--only", nothing)

    assert (code, out) == (1, "")
    assert err == f"unknown-aggregate: the log has no event of {nothing} that submissions follow from\n"
    assert projected.run("projections", "rebuild", "submissions", "--only", "BF-1")[0] == 2

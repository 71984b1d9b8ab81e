import json

import pytest

from tests.inventory_harness import Stores
from tests.unit.cli.runner import CliRunner

REBUILD = ("projections", "rebuild", "inventory")


@pytest.fixture
def busy(counter: CliRunner) -> CliRunner:
    """Return a counter where three lines were allocated that nobody has seen."""
    import asyncio

    async def work() -> None:
        stores = Stores(counter.application)
        await stores.buy("B-1")
        for number in range(3):
            await stores.allocate(f"order-{number}")

    asyncio.run(work())
    return counter


def test_a_rebuild_says_what_came_of_it(busy: CliRunner) -> None:
    code, out, err = busy.run(*REBUILD)

    told = "inventory was built anew from 4 events and is read now; 0 older rows were deleted\n"
    assert (code, out, err) == (0, told, "")
    assert len(busy.store.line_views) == 3


def test_a_rebuild_tells_programs_too(busy: CliRunner) -> None:
    busy.run(*REBUILD)
    code, out, _ = busy.run(*REBUILD, "--json")

    assert code == 0
    assert json.loads(out) == {"projection": "inventory", "generation": 3, "events": 4, "forgotten": 5}


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_an_unknown_projection_is_refused_with_those_there_are(counter: CliRunner, form: tuple[str, ...]) -> None:
    code, out, err = counter.run("projections", "rebuild", "fees", *form)

    assert (code, out) == (1, "")
    assert err == "unknown-projection: there is no projection 'fees'; there is inventory\n"


def test_a_second_rebuild_is_refused_and_told_when_to_try_again(busy: CliRunner) -> None:
    busy.store.projections["inventory"] = busy.store.projections["inventory"]._replace(
        until=busy.application.driven.clock().now().replace(year=2027)
    )
    code, out, err = busy.run(*REBUILD)

    assert (code, out) == (3, "")
    assert err == "rebuild-under-way: inventory is being rebuilt; if that was killed, try again in 30 s\n"


@pytest.mark.parametrize("words", [("projections",), ("projections", "--help"), (*REBUILD[:2], "--help")])
def test_the_help_shows_how(counter: CliRunner, words: tuple[str, ...]) -> None:
    _, out, _ = counter.run(*words)

    assert ("bursar projections rebuild inventory" in " ".join(out.replace("│", " ").split())) == (len(words) == 3)
    assert "rebuild" in out

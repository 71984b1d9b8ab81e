"""A process tells the registry whether it is ready, and a registry that fails harms nothing."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from adapters.memory.registry import MemoryRegistry
from core.kernel.errors import Unavailable
from core.kernel.health import HealthChecks, Probe
from core.kernel.registry import RegisteredProcess, Registry, RegistryUnavailable
from entrypoints.runtime.registration import LISTED, Registration, locate
from tests.unit.virtual_time import VirtualClock, now, run_in_virtual_time

TTL_SECONDS = 9
PROCESS = RegisteredProcess("host-1-a", ("http",), "", "0.1.0", ready=False)
LOCATED = [replace(PROCESS, address="10.0.0.7:8000", ready=True)]


class Switch(Probe):
    """Ready, not ready, or without an answer."""

    name, remedy, deadline_seconds = "switch", "", 3.0
    ready, hangs = True, False

    async def check(self) -> str:
        if self.hangs:
            await asyncio.sleep(3600)
        if not self.ready:
            raise Unavailable("switched off")
        return "on"


class Interrupted(Registry):
    """A registry that can be away; it forgets nothing meanwhile."""

    def __init__(self) -> None:
        self.kept, self.away = MemoryRegistry(VirtualClock(), TTL_SECONDS), False

    def _answer(self) -> None:
        if self.away:
            raise RegistryUnavailable("away")

    async def announce(self, process: RegisteredProcess) -> None:
        self._answer()
        await self.kept.announce(process)

    async def withdraw(self, process: RegisteredProcess) -> None:
        self._answer()
        await self.kept.withdraw(process)

    async def processes(self) -> Sequence[RegisteredProcess]:
        return await self.kept.processes()


async def at_10_0_0_7() -> str:
    return "10.0.0.7:8000"


Story = Callable[[Interrupted, Switch, asyncio.Event], Awaitable[None]]


def follow(story: Story) -> list[str]:
    """Run a story beside a registration, and return what was logged."""

    async def run() -> None:
        registry, switch, stop = Interrupted(), Switch(), asyncio.Event()
        registration = Registration(registry, PROCESS, HealthChecks([switch]), at_10_0_0_7)
        keeping = asyncio.create_task(registration.keep(TTL_SECONDS, stop))
        await asyncio.sleep(1)
        await story(registry, switch, stop)
        stop.set()
        await keeping

    with capture_logs() as lines:
        run_in_virtual_time(run)
    return [line["event"] for line in lines]


def test_a_process_that_is_ready_stays_listed_and_is_off_the_list_at_once_when_it_stops() -> None:
    async def story(registry: Interrupted, _: Switch, stop: asyncio.Event) -> None:
        for _moment in range(5 * TTL_SECONDS):
            assert await registry.processes() == LOCATED
            await asyncio.sleep(1)
        stop.set()
        await asyncio.sleep(0.1)
        assert await registry.processes() == []
        assert LISTED._value.get() == 0

    assert follow(story) == ["registered"]


def test_a_process_that_is_not_ready_says_so() -> None:
    async def story(registry: Interrupted, switch: Switch, _: asyncio.Event) -> None:
        switch.ready = False
        await asyncio.sleep(TTL_SECONDS / 3)
        for _moment in range(3 * TTL_SECONDS):
            assert await registry.processes() == [replace(LOCATED[0], ready=False)]
            assert LISTED._value.get() == 0
            await asyncio.sleep(1)
        switch.ready = True
        await asyncio.sleep(TTL_SECONDS / 3)
        assert await registry.processes() == LOCATED

    assert follow(story) == ["registered", "registered_as_not_ready", "registered"]


def test_a_registry_that_was_away_lists_the_process_again_and_each_change_is_logged_once() -> None:
    async def story(registry: Interrupted, _: Switch, __: asyncio.Event) -> None:
        registry.away = True
        await asyncio.sleep(4 * TTL_SECONDS)
        assert LISTED._value.get() == 0
        assert await registry.processes() == []
        registry.away = False
        await asyncio.sleep(TTL_SECONDS / 3)
        assert await registry.processes() == LOCATED
        assert LISTED._value.get() == 1
        registry.away = True  # also at the end

    assert follow(story) == ["registered", "registry_unreachable", "registered"]


def test_a_check_that_hangs_does_not_keep_a_process_that_stops_on_the_list() -> None:
    async def story(registry: Interrupted, switch: Switch, stop: asyncio.Event) -> None:
        switch.hangs = True
        await asyncio.sleep(TTL_SECONDS / 3)
        assert await registry.processes() == LOCATED
        began = now()
        stop.set()
        await asyncio.sleep(0.1)
        assert await registry.processes() == []
        assert now() - began < 0.2

    follow(story)


def test_a_process_whose_address_cannot_be_found_yet_is_listed_later() -> None:
    attempts = 0

    async def later() -> str:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise OSError("no such host")
        return "10.0.0.7:8000"

    async def run() -> None:
        registry, stop = Interrupted(), asyncio.Event()
        registration = Registration(registry, PROCESS, HealthChecks([Switch()]), later)
        keeping = asyncio.create_task(registration.keep(TTL_SECONDS, stop))
        await asyncio.sleep(TTL_SECONDS)
        assert await registry.processes() == LOCATED
        stop.set()
        await keeping

    run_in_virtual_time(run)
    assert attempts == 3


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "192.0.2.7:8000"),
        ("office.example.org", "office.example.org:8000"),
        ("2001:db8::7", "[2001:db8::7]:8000"),
        ("0.0.0.0", "127.0.0.1:8000"),
        ("::", "127.0.0.1:8000"),
    ],
)
async def test_an_address_of_all_interfaces_is_the_one_towards_the_registry(host: str, address: str) -> None:
    assert await locate(host, 8000, "http://127.0.0.1:2379") == address


async def test_a_registry_without_an_address_is_no_defect() -> None:
    with pytest.raises(socket.gaierror):
        await locate("0.0.0.0", 8000, "http://no-such-host.invalid")

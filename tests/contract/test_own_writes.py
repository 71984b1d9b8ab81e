"""What processes know of the writes of a client, through a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from adapters.redis.own_writes import RedisOwnWrites
from config.sections.servers import Redis
from core.kernel.own_writes import OwnWrites
from tests.examples import StoppedClock, ids
from tests.tcp_switch import TcpSwitch, tcp_switch

ONE, OTHER = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "4e11fa47-71ca-11e1-9e33-c80aa9429562"
REMEMBERED_SECONDS = 12.0


class Office:
    """Processes that share a Redis."""

    def __init__(self, redis: Redis) -> None:
        self.redis, self.clock = replace(redis, prefix=f"test:{ids.new()}:"), StoppedClock()
        self.processes = list[RedisOwnWrites]()

    def process(self, url: str = "") -> RedisOwnWrites:
        """Return one more process."""
        made = RedisOwnWrites(
            url or self.redis.url.reveal(), "", self.redis.prefix, REMEMBERED_SECONDS, self.clock
        )  # fmt: skip
        self.processes.append(made)
        return made

    async def grow_old(self, process: OwnWrites) -> None:
        """Let Redis have known everything for as long as it must."""
        await process.of("anyone")
        self.clock.pass_by(timedelta(seconds=REMEMBERED_SECONDS))


@pytest.fixture
async def office(redis: Redis) -> AsyncIterator[Office]:
    office = Office(redis)
    yield office
    for each in office.processes:
        await each.close()


async def test_what_one_process_remembers_another_knows(office: Office) -> None:
    one, other = office.process(), office.process()
    await office.grow_old(one)

    await one.remember("asha", {ONE: 7})

    assert await other.of("asha") == {ONE: 7}
    assert await other.of("ravi") == {}


async def test_the_last_write_counts_in_whatever_order_processes_tell_them(office: Office) -> None:
    one, other = office.process(), office.process()
    await office.grow_old(one)

    await asyncio.gather(one.remember("asha", {ONE: 7, OTHER: 1}), other.remember("asha", {ONE: 9}))
    await one.remember("asha", {ONE: 8})

    assert await one.of("asha") == {ONE: 9, OTHER: 1}


async def test_a_redis_that_has_forgotten_everything_knows_nothing_for_a_while(office: Office) -> None:
    process = office.process()
    assert await process.of("asha") is None
    office.clock.pass_by(timedelta(seconds=REMEMBERED_SECONDS - 0.1))
    assert await process.of("asha") is None

    office.clock.pass_by(timedelta(seconds=0.1))
    assert await process.of("asha") == {}


async def test_a_redis_that_is_away_fails_nothing_and_gets_what_it_missed(office: Office) -> None:
    here = urlsplit(office.redis.url.reveal())
    assert here.hostname and here.port
    async with tcp_switch((here.hostname, here.port)) as (switch, port):
        one, other = office.process(f"redis://127.0.0.1:{port}/0"), office.process()
        await office.grow_old(one)
        await cut(switch)

        await one.remember("asha", {ONE: 7})
        assert await one.of("asha") is None

        switch.target = (here.hostname, here.port)
        async with asyncio.timeout(5):
            while await other.of("asha") != {ONE: 7}:
                await asyncio.sleep(0.02)


async def cut(switch: TcpSwitch) -> None:
    switch.target = ("127.0.0.1", 1)
    await switch.close()

"""Reads on a real replica: what it may answer, when it is left out, and how a client reads its own writes."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from adapters.sql.engine.browsing import browsing
from adapters.sql.engine.gtids import Gtids
from adapters.sql.engine.lookups import look_up
from adapters.sql.engine.promotion import SplitBrain, WritesMissing
from adapters.sql.engine.replica_probe import replica_probes
from adapters.sql.fees.exam_fees import SUBMISSIONS
from config.sections import servers
from config.sections.servers import MySQL
from core.kernel.errors import Unavailable
from core.kernel.own_writes import View, viewing
from tests.examples import a_student, enrol
from tests.replication import Pair, Process, numbers, pair_of, process_on
from tests.tcp_switch import tcp_switch

RECOVERY_SECONDS = 10.0
UNKNOWN_SERVER = "3e11fa47-71ca-11e1-9e33-c80aa9429562"


@pytest.fixture(scope="module")
def kept() -> list[Pair]:
    return []


@pytest.fixture
async def pair(server: Callable[[str], object], redis: servers.Redis, kept: list[Pair]) -> AsyncIterator[Pair]:
    if not kept:
        kept.append(pair_of(server("mysql_pair"), redis))  # type: ignore[arg-type]
    kept[0].redis = replace(redis, prefix=f"{uuid4().hex}:")
    await kept[0].begin()
    yield kept[0]


def key_of(process: Process) -> str:
    return str(process.http.headers["Authorization"]).removeprefix("Bearer ")


async def until(check: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not await check():
            await asyncio.sleep(0.05)


async def test_a_replica_answers_what_may_be_stale_and_nothing_else(pair: Pair) -> None:
    async with process_on(pair.settings()) as process:
        assert await process.server() == await pair.replica.uuid()
        database = process.application.storage.database()
        with viewing(View(after={})):
            async with database.reading() as connection:  # what decides something
                assert await connection.scalar(text("SELECT @@server_uuid")) == await pair.primary.uuid()


async def test_a_client_reads_its_own_write_through_another_process(pair: Pair) -> None:
    async with (
        process_on(pair.settings()) as one,
        process_on(pair.settings(), key_of(one)) as other,
        process_on(pair.settings()) as stranger,
    ):
        await pair.caught_up()
        await pair.replica.run("STOP REPLICA SQL_THREAD")
        submitted = await one.submit()
        fee, position = submitted.json()["id"], submitted.headers["Bursar-Read-After"]
        assert await other.server() == await pair.replica.uuid()  # the replica is in rotation, and behind

        assert (await other.see(fee)).status_code == 200
        assert (await stranger.see(fee)).status_code == 404
        assert (await stranger.see(fee, **{"Bursar-Read-After": position})).status_code == 200


async def test_a_repeated_request_is_an_own_write_of_which_no_process_has_told(pair: Pair) -> None:
    settings = pair.settings()
    async with process_on(settings) as one, process_on(settings, key_of(one)) as other:
        await enrol(one.application, a_student(number := next(numbers)))
        await pair.caught_up()
        await pair.replica.run("STOP REPLICA SQL_THREAD")
        await one.submit_for(number)
        async with one.memory() as redis:  # as if the process had ended after the commit
            kept = await redis.keys(f"{settings.redis.prefix}own-writes:*")
            await redis.delete(*(key for key in kept if not key.endswith(b":since")))

        repeated = await other.submit_for(number)

        assert repeated.headers["Idempotency-Replayed"] == "true"
        assert (await one.see(repeated.json()["id"])).status_code == 200


async def test_rows_of_a_batch_are_own_writes(pair: Pair) -> None:
    settings = pair.settings()
    async with process_on(settings) as one, process_on(settings, key_of(one)) as other:
        candidates = [next(numbers) for _ in range(20)]
        await enrol(one.application, *(a_student(number) for number in candidates))
        await pair.caught_up()
        await pair.replica.run("STOP REPLICA SQL_THREAD")
        rows = [
            {"key": f"row-{number}", "schedule": "sahyadri-test", "registration": f"T-{number}"}
            for number in candidates
        ]
        body, headers = "".join(json.dumps(row) + "\n" for row in rows), {"Content-Type": "application/x-ndjson"}

        answer = await one.http.post("/v1/exam-fees:batch", content=body, headers=headers)

        assert answer.status_code == 200, answer.text
        seen = [await other.http.get(f"/v1/students/T-{number}/exam-fees") for number in candidates]
        assert [len(each.json()["items"]) for each in seen] == [1] * 20


async def test_a_read_waits_for_a_replica_that_is_about_to_have_the_write(pair: Pair) -> None:
    async with process_on(pair.settings(own_write_wait_seconds=2.0)) as process:
        await pair.caught_up()
        await pair.replica.run("STOP REPLICA SQL_THREAD")
        position = (await process.submit()).headers["Bursar-Read-After"]
        writer, _, number = position.partition(":")

        waiting = asyncio.create_task(process.server({writer: int(number)}))
        await pair.replica.run("START REPLICA SQL_THREAD")

        assert await waiting == await pair.replica.uuid()


@pytest.mark.parametrize(
    "token",
    [f"{UNKNOWN_SERVER}:7", "{server}:999999999999999999", "{server}:0", "x" * 4_000, "", "{server}:1-5", "{server}:१"],
)
async def test_a_forged_position_costs_a_wait_at_most(pair: Pair, token: str) -> None:
    async with process_on(pair.settings()) as process:
        fee = (await process.submit()).json()["id"]
        told = token.replace("{server}", await pair.primary.uuid()).encode()
        began = time.monotonic()

        answer = await process.http.get(f"/v1/exam-fees/{fee}", headers=[(b"Bursar-Read-After", told)])

        assert answer.status_code == 200
        assert time.monotonic() - began < 1.0


async def test_without_the_memory_of_clients_the_primary_answers(pair: Pair) -> None:
    settings = pair.settings()
    async with process_on(settings) as process:
        await pair.caught_up()
        await pair.replica.run("STOP REPLICA SQL_THREAD")
        fee = (await process.submit()).json()["id"]
        async with process.memory() as redis:
            await redis.delete(*await redis.keys(f"{settings.redis.prefix}own-writes:*"))

        assert (await process.see(fee)).status_code == 200


async def test_a_replica_that_lags_leaves_and_comes_back(pair: Pair) -> None:
    async with process_on(pair.settings(max_replica_lag_seconds=2.0)) as process:
        await pair.replica.run("STOP REPLICA SQL_THREAD")
        await process.submit()
        await process.server()  # from now on the process watches by itself

        await until(lambda: holds(process.faults == ["it is more than 2 s behind the primary"]))
        assert await process.server() == await pair.primary.uuid()

        await pair.replica.run("START REPLICA SQL_THREAD")
        await until(lambda: holds(process.faults == [""]))
        assert await process.server() == await pair.replica.uuid()


async def holds(truth: bool) -> bool:
    return truth


async def test_a_read_that_fails_on_a_replica_is_answered_by_the_primary(pair: Pair) -> None:
    where = (pair.replica.settings.host, pair.replica.settings.port)
    async with tcp_switch(where) as (switch, port), process_on(pair.settings(replica=port)) as process:
        fee = (await process.submit()).json()["id"]
        await pair.caught_up()
        assert await process.server() == await pair.replica.uuid()

        switch.target = ("127.0.0.1", 1)
        await switch.close()

        assert (await process.see(fee)).status_code == 200
        assert process.faults != [""]
        assert (await process.http.get("/health/ready")).status_code == 200
        switch.target = where
        assert await process.look() == [""]


async def test_a_statement_that_fails_on_a_replica_is_repeated_on_the_primary(pair: Pair) -> None:
    async with process_on(pair.settings()) as process:
        async with browsing(process.application.storage.database(), View(after={})) as connection:
            connection_id = await connection.scalar(text("SELECT CONNECTION_ID()"))
            await pair.replica.run(f"KILL {connection_id}")

            assert await connection.scalar(text("SELECT @@server_uuid")) == await pair.primary.uuid()
        assert "a read failed" in process.faults[0]
        assert await process.look() == [""]

        async with browsing(process.application.storage.database(), View(after={})) as connection:
            connection_id = await connection.scalar(text("SELECT CONNECTION_ID()"))
            await pair.replica.run(f"KILL {connection_id}")

            assert await look_up(connection, [SUBMISSIONS], [b"0" * 16]) == [{}]
        assert "a read failed" in process.faults[0]


async def test_what_is_no_replica_of_this_primary_is_not_read(pair: Pair, mysql: MySQL) -> None:
    uuid, older = await pair.replica.uuid(), "UPDATE office.alembic_version SET version_num = "
    current = str((await pair.primary.run("SELECT version_num FROM office.alembic_version"))[0][0])
    unlogged = ("SET GLOBAL read_only = OFF", "SET SESSION sql_log_bin = OFF")
    async with process_on(pair.settings()) as process:
        await pair.replica.run("SET GLOBAL read_only = OFF")
        assert await process.look() == ["it takes writes: set super_read_only = ON"]

        await pair.replica.run(*unlogged, f"{older} '0001'", "SET GLOBAL super_read_only = ON")
        assert await process.look() == [f"its schema is at 0001, and this program's is {current}"]

        await pair.replica.run(*unlogged, f"{older} '{current}'", "SET GLOBAL super_read_only = ON")
        assert await process.look() == [""]

        errant = f"{uuid}:{number_after(await pair.replica.executed(), uuid)}"
        empty = (f"SET SESSION gtid_next = '{errant}'", "BEGIN", "COMMIT", "SET SESSION gtid_next = AUTOMATIC")
        await pair.replica.run("SET GLOBAL read_only = OFF", *empty, "SET GLOBAL super_read_only = ON")
        assert await process.look() == [
            "it has transactions that the primary lacks: it is another database, or was written to"
        ]

        await pair.primary.run(*empty)  # as the how-to tells
        assert await process.look() == [""]
    async with process_on(pair.settings(replicas=(f"{mysql.host}:{mysql.port}",))) as process:
        assert "Unknown database 'office'" in process.faults[1]


async def test_doctor_names_each_replica_and_what_is_wrong(pair: Pair) -> None:
    async with process_on(pair.settings()) as process:
        primary, replica = replica_probes(process.application.storage.database())
        assert (primary.name, replica.name) == tuple(
            f"replica 127.0.0.1:{each.settings.port}" for each in (pair.primary, pair.replica)
        )
        assert (await primary.check(), "behind the primary" in await replica.check()) == ("it is the primary", True)

        await pair.replica.run("SET GLOBAL read_only = OFF")
        with pytest.raises(Unavailable, match="it takes writes: set super_read_only = ON"):
            await replica.check()
        assert not replica.essential


def number_after(executed: str, server: str) -> int:
    """Return the number of the next transaction of a server."""
    return Gtids.parse(executed).position.get(server, 0) + 1


async def test_two_servers_that_take_writes_are_refused(pair: Pair) -> None:
    await pair.replica.run("SET GLOBAL read_only = OFF")

    with pytest.raises(SplitBrain, match=r"127.0.0.1:\d+ and 127.0.0.1:\d+ take writes: set super_read_only"):
        async with process_on(pair.settings()):
            pass


async def test_a_promoted_server_that_lacks_an_acknowledged_write_is_refused(pair: Pair) -> None:
    async with process_on(pair.settings()) as process:
        await pair.caught_up()
        await pair.replica.run("STOP REPLICA SQL_THREAD")
        fee = (await process.submit()).json()["id"]
        await pair.primary.run("SET GLOBAL super_read_only = ON")
        await pair.replica.run("SET GLOBAL read_only = OFF")

        with pytest.raises(Unavailable):
            await process.submit()
        with pytest.raises(WritesMissing, match="lacks transactions that"):
            await process.submit()

        await pair.replica.run("SET GLOBAL super_read_only = ON", "START REPLICA SQL_THREAD")
        await pair.promote()
        await until(lambda: submits(process))
        assert (await process.see(fee)).status_code == 200


async def submits(process: Process) -> bool:
    try:
        return (await process.submit()).status_code == 201
    except Unavailable:  # of the roster
        return False


async def test_a_planned_failover_loses_nothing_and_shows_nothing_stale(pair: Pair) -> None:
    settings = pair.settings()
    async with (
        process_on(settings) as one,
        process_on(settings, key_of(one)) as two,
        process_on(settings, key_of(one)) as three,
    ):
        office = Office([one, two, three])
        await enrol(one.application, *(a_student(number) for number in office.candidates))
        clients = [asyncio.create_task(office.submit_and_look(number)) for number in range(6)]
        await until(lambda: holds(len(office.acknowledged) > 30))
        await pair.promote()
        before = len(office.acknowledged)
        await until(lambda: holds(len(office.acknowledged) > before), RECOVERY_SECONDS)
        await until(lambda: holds(len(office.acknowledged) > before + 60))
        office.ended = True
        await asyncio.gather(*clients)

        stored = await pair.primary.run("SELECT BIN_TO_UUID(id) FROM office.submissions")
        assert office.acknowledged <= {str(row[0]) for row in stored}
        assert not office.stale
        assert office.refusals <= {503}


async def test_a_process_that_has_not_noticed_the_failover_shows_what_its_client_wrote_elsewhere(pair: Pair) -> None:
    settings = pair.settings()
    async with process_on(settings) as one, process_on(settings, key_of(one)) as other:
        await other.see((await one.submit()).json()["id"])
        await pair.promote()
        await until(lambda: submits(one))
        fee = (await one.submit()).json()["id"]
        for replica in other.rotation.replicas:
            replica.judge("out of rotation for this test")

        assert (await other.see(fee)).status_code == 200


async def test_the_promoted_server_takes_over_from_one_that_is_gone(pair: Pair) -> None:
    where = (pair.primary.settings.host, pair.primary.settings.port)
    async with tcp_switch(where) as (switch, port), process_on(pair.settings(host=port)) as process:
        fee = (await process.submit()).json()["id"]
        await pair.promote()
        switch.target = ("127.0.0.1", 1)
        switch.silence()

        await until(lambda: submits(process), RECOVERY_SECONDS)
        assert (await process.see(fee)).status_code == 200


class Office:
    """Clients of one account that write at one process, and look at another."""

    def __init__(self, processes: list[Process]) -> None:
        self._processes = processes
        self.candidates = [next(numbers) for _ in range(2_000)]
        self._left = iter(self.candidates)
        self.acknowledged, self.stale, self.refusals = set[str](), list[str](), set[int]()
        self.ended = False

    async def submit_and_look(self, turn: int) -> None:
        """Submit until the end, and look at each fee at once."""
        while not self.ended:
            turn += 1
            written = await self._processes[turn % 3].submit_for(next(self._left))
            if written.status_code != 201:
                self.refusals.add(written.status_code)
                await asyncio.sleep(0.05)
                continue
            fee = written.json()["id"]
            self.acknowledged.add(fee)
            seen = await self._processes[(turn + 1) % 3].see(fee)
            if seen.status_code == 404:
                self.stale.append(fee)

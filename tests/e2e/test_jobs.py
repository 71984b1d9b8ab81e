"""A scheduler that is killed in the middle of a job is followed by another process."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncmy

from config.sections.servers import Kafka, MySQL
from tests.e2e.workspace import Workspace, on_real_servers

JOB = "old_records_purged"
ITS_RUN = f"SELECT holder, outcome, until > UTC_TIMESTAMP(6) FROM jobs WHERE name = '{JOB}'"


async def test_the_job_of_a_killed_scheduler_is_run_by_another_process(tmp_path: Path, mysql: MySQL) -> None:
    environment = on_real_servers(mysql, Kafka(), PROVISION="true", ADAPTERS__EVENTS="embedded", SERVE="scheduler")
    workspace = Workspace(tmp_path, None, environment)
    assert workspace.run("migrate").returncode == 0
    async with connected(mysql) as blocking, connected(mysql) as looking:
        await blocking("LOCK TABLES requests WRITE")  # the job waits for it
        killed = workspace.start()
        [[holder, *_]] = await until(looking, lambda found: found and found[0][2])
        killed.process.send_signal(signal.SIGKILL)
        killed.process.wait()

        refused = workspace.run("jobs", "run", JOB, "--why", "it was killed")
        await blocking("UNLOCK TABLES")
        await looking("UPDATE jobs SET until = until - INTERVAL 10 SECOND")  # the lease has passed
        following = workspace.start()
        await until(looking, lambda found: found[0][0] != holder and found[0][1] == "done")
        following.process.send_signal(signal.SIGTERM)

    assert (refused.returncode, refused.stderr.startswith(f"job-is-running: {holder} runs {JOB}")) == (3, True)
    assert following.process.wait() == 0


Query = Callable[[str], Awaitable[Any]]


@asynccontextmanager
async def connected(mysql: MySQL) -> AsyncIterator[Query]:
    """Return a function that runs a statement on a connection of its own."""
    place = {"host": mysql.host, "port": mysql.port, "user": mysql.user, "db": mysql.database, "autocommit": True}

    async def run(statement: str) -> Any:
        async with connection.cursor() as cursor:
            await cursor.execute(statement)
            return await cursor.fetchall()

    async with asyncmy.connect(password=mysql.password.reveal(), **place) as connection:
        yield run


async def until(query: Query, is_so: Callable[[Any], object]) -> Any:
    """Return the row of the job when it is so."""
    async with asyncio.timeout(30):
        while not is_so(found := await query(ITS_RUN)):
            await asyncio.sleep(0.05)
    return found

"""A process that serves the API from memory: `python -m tests.integration.http_process CONNECTIONS BYTES`."""

import asyncio
import sys

from config.container import Application, running
from config.settings import Adapters, Settings
from core.kernel.authorization import SYSTEM, current_principal
from entrypoints.http.server import reserve_files
from entrypoints.routes import ROUTES
from tests.examples import a_schedule, a_student, enrol, publish
from tests.integration.http_server import served


async def main(connections: int, under_way: int) -> None:
    """Print the port, and serve until the standard input ends."""
    current_principal.set(SYSTEM)
    reserve_files(connections)
    settings = Settings(adapters=Adapters(persistence="memory"))
    async with running(Application(settings=settings, routes=ROUTES)) as application:
        await publish(application, a_schedule())
        await enrol(application, *(a_student(number) for number in range(100)))
        async with served(application, max_connections=connections, max_bytes_under_way=under_way) as port:
            sys.stdout.write(f"{port}\n")
            sys.stdout.flush()
            await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))

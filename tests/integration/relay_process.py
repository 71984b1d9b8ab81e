"""One relay in a process of its own, as `bursar serve` starts it but with a lease that tests can wait for.

python -m tests.integration.relay_process LEASE      the configuration comes from the environment
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

import config
from config.container import Application, running
from config.settings import load
from entrypoints.relay.relay import Relay


async def main(lease: float) -> None:
    settings = load(Path(config.__file__).parent / "local.toml", os.environ)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with running(Application(settings=settings)) as application:
        driven = application.driven
        relay = Relay(driven.outbox(), driven.publisher(), driven.signals(), driven.clock(), lease)
        await relay.run(stop)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))

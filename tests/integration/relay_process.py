"""One relay in a separate process, as `bursar serve` starts it, but with a short lease.

python -m tests.integration.relay_process LEASE      the configuration is in the environment
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

import config
from config.container import Application, running
from config.settings_file import load
from entrypoints.relay.relay import Relay


async def main(lease: float) -> None:
    settings = load(Path(config.__file__).parent / "local.toml", os.environ)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with running(Application(settings=settings)) as application:
        messaging, process = application.messaging, application.process
        relay = Relay(messaging.outbox(), messaging.publisher(), process.signals(), process.clock(), lease)
        await relay.run(stop)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))

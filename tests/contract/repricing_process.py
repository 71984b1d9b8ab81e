"""A process that reprices until nothing is left; it says when a batch is committed.

python -m tests.contract.repricing_process      the configuration is in the environment
"""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

import config
from config.container import Application, running
from config.settings_file import load
from core.fees.repricings import reprice_submissions
from core.kernel.authorization import SYSTEM, current_principal
from core.kernel.errors import Conflict, Unavailable
from entrypoints.routes import ROUTES


async def main() -> None:
    reprice_submissions.SUBMISSIONS_PER_BATCH, reprice_submissions.BATCHES_PER_RUN = 3, 1
    settings = load(Path(config.__file__).parent / "local.toml", os.environ)
    current_principal.set(SYSTEM)
    async with running(Application(settings=settings, routes=ROUTES)) as application:
        fees = application.use_cases().fees
        while await application.fees.repricings().in_work():
            with suppress(Conflict, Unavailable):
                await fees.reprice_submissions()
                say("committed")
    say("finished")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())

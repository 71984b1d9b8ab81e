"""A process that consumes captured payments, always from the first one; it says when a batch is committed.

python -m tests.contract.receipts_process      the configuration is in the environment
"""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import config
from config.container import Application, running
from config.settings_file import load
from core.kernel.authorization import SYSTEM, current_principal
from core.kernel.errors import Unavailable
from core.messaging.message import Message
from entrypoints.messages.consumer import Consumer
from entrypoints.routes import ROUTES
from tests.contract.payment_messages import captured

PAYMENTS, PER_BATCH = 120, 20


def payment(number: int) -> UUID:
    """Return the id of a payment."""
    return UUID(int=number + 1)


def messages() -> list[Message]:
    """Return the same messages in each process."""
    return [captured(payment(number), message=UUID(int=number + 1_000)) for number in range(PAYMENTS)]


async def main() -> None:
    settings = load(Path(config.__file__).parent / "local.toml", os.environ)
    current_principal.set(SYSTEM)
    waiting = messages()
    async with running(Application(settings=settings, routes=ROUTES)) as application:
        consume = Consumer(application.messaging.new_inbox, ROUTES, application.use_cases())
        while waiting:
            with suppress(Unavailable):
                await consume(waiting[:PER_BATCH])
                del waiting[:PER_BATCH]
                say("committed")
    say("finished")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())

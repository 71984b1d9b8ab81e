"""The initial state of a run: schema, topics, roster, and one schedule."""

import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import uvloop

from config.container import Application, running
from config.settings_file import validate
from core.kernel.authorization import SYSTEM, current_principal
from core.students.roster import read_rows
from entrypoints.routes import ROUTES
from entrypoints.runtime.configured_runtime import ConfiguredRuntime
from entrypoints.runtime.first_api_key import create_first_api_key
from entrypoints.runtime.sample_data import bundled_schedules
from tests.chaos.orders import Order

SCHEDULE = "sahyadri-semester"
API_KEY_FILE = "api.key"


def registration(number: int) -> str:
    """Return the registration of a candidate."""
    return f"C-{number:06}"


def number_of(name: str) -> int:
    """Return the number of the candidate with a registration."""
    return int(name.removeprefix("C-"))


def phone(number: int) -> str:
    """Return the telephone number of a candidate, which is unique."""
    return f"+9198{number:08}"


def mailbox(number: int) -> str:
    """Return the e-mail address of a candidate, which is unique."""
    return f"c{number}@example.org"


def run(order: Order) -> None:
    """Create the initial state."""
    uvloop.run(prepare(order))


async def prepare(order: Order) -> None:
    """Create an empty database and topics."""
    settings = validate(order.settings, order.name)
    current_principal.set(SYSTEM)
    async with running(Application(settings=settings, routes=ROUTES)) as application:
        runtime = ConfiguredRuntime(application, settings)
        await runtime.migrate("head")
        await runtime.topics()
        await runtime.use_cases.students.import_students(read_rows(roster(order.task["candidates"])))
        await runtime.use_cases.fees.publish_fee_schedule(tomllib.loads(bundled_schedules()[SCHEDULE]))
        await runtime.use_cases.identity.create_signing_key()
        await create_first_api_key(
            runtime.use_cases, application.messaging.new_inbox, Path(order.folder) / API_KEY_FILE
        )


async def roster(candidates: int) -> AsyncIterator[bytes]:
    """Write a roster of candidates with unique telephone numbers and e-mail addresses."""
    yield b"registration,name,category,email,phone\n"
    for each in range(candidates):
        yield f"{registration(each)},Asha {each},student,{mailbox(each)},{phone(each)}\n".encode()

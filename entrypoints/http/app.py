"""The HTTP application, given the use cases it may drive."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp

from core.shared.clock import Clock
from core.shared.errors import CoreError
from core.shared.health import Probe
from core.shared.requests import Answers
from entrypoints.http import docs
from entrypoints.http.admission import Door, Guarded
from entrypoints.http.allocating import Together
from entrypoints.http.dead_letters import DeadLettersController
from entrypoints.http.deliveries import DeliveriesController
from entrypoints.http.exam_fee_batch import PLACES, submit_rows
from entrypoints.http.exam_fees import ExamFeesController
from entrypoints.http.fee_schedules import FeeSchedulesController
from entrypoints.http.json import JsonRequest
from entrypoints.http.operations import OperationsController, Probes
from entrypoints.http.problems import core_problem, defect, http_problem
from entrypoints.http.stock_views import AvailabilityController
from entrypoints.http.stores import AllocationsController, BatchesController, ship
from entrypoints.http.students import StudentsController
from entrypoints.http.tracing import Traced
from entrypoints.http.vendors import VendorsController

LARGEST_BODY = 1_000_000


def create_app(
    use_cases: Mapping[str, Callable[[], Any]], answers: Answers, probes: Sequence[Probe], clock: Clock, door: Door
) -> ASGIApp:
    """Serve `use_cases` over HTTP, submissions through a door; handlers ask for them by name."""
    made: dict[str, Callable[[], object]] = {**use_cases, "probes": lambda: Probes(probes)}
    app = Litestar(
        route_handlers=[
            ExamFeesController,
            submit_rows,
            FeeSchedulesController,
            StudentsController,
            DeadLettersController,
            DeliveriesController,
            OperationsController,
            BatchesController,
            AllocationsController,
            ship,
            AvailabilityController,
            VendorsController,
            docs.asset,
        ],
        dependencies={name: provide(make) for name, make in made.items()},
        exception_handlers={CoreError: core_problem, HTTPException: http_problem, Exception: defect},
        state=State(
            {
                "answers": answers,
                "intents": door.intents,
                "places": asyncio.Semaphore(PLACES),
                "allocate": Together(use_cases["allocate_lines"]()),
            }
        ),
        openapi_config=docs.openapi(version("bursar")),
        request_class=JsonRequest,
        request_max_body_size=LARGEST_BODY,
        logging_config=None,
    )
    return Traced(Guarded(app, door), clock)


def provide(make: Callable[[], object]) -> Provide:
    """Hide `make` in a function, because Litestar reads signatures; a use case is the same for every request."""
    made = cache(make)

    def build() -> object:
        return made()

    return Provide(build, sync_to_thread=False)

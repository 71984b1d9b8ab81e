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

from core.kernel.clock import Clock
from core.kernel.errors import CoreError
from core.kernel.health import Probe
from core.kernel.idempotency import Answers
from entrypoints.http import docs
from entrypoints.http.fees.exam_fee_batch import MAX_CONCURRENT_UPLOADS, submit_rows
from entrypoints.http.fees.exam_fees import ExamFeesController
from entrypoints.http.fees.fee_schedules import FeeSchedulesController
from entrypoints.http.inventory.allocation_batcher import AllocationBatcher
from entrypoints.http.inventory.stock_commands import AllocationsController, BatchesController, ship
from entrypoints.http.inventory.stock_views import AvailabilityController
from entrypoints.http.middleware.admission import AdmissionControl, AdmissionMiddleware
from entrypoints.http.middleware.tracing import TracingMiddleware
from entrypoints.http.notifications.deliveries import DeliveriesController
from entrypoints.http.notifications.vendors import VendorsController
from entrypoints.http.operations.dead_letters import DeadLettersController
from entrypoints.http.operations.health import OperationsController, ReadinessCheck
from entrypoints.http.problems import core_problem, defect, http_problem
from entrypoints.http.strict_json import JsonRequest
from entrypoints.http.students.students import StudentsController

MAX_BODY_BYTES = 1_000_000


def create_app(
    use_cases: Mapping[str, Callable[[], Any]],
    answers: Answers,
    probes: Sequence[Probe],
    clock: Clock,
    admission: AdmissionControl,
) -> ASGIApp:
    """Serve `use_cases` over HTTP, submissions through a door; handlers ask for them by name."""
    made: dict[str, Callable[[], object]] = {**use_cases, "probes": lambda: ReadinessCheck(probes)}
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
                "intents": admission.intent_signer,
                "places": asyncio.Semaphore(MAX_CONCURRENT_UPLOADS),
                "allocate": AllocationBatcher(use_cases["allocate_lines"]()),
            }
        ),
        openapi_config=docs.openapi(version("bursar")),
        request_class=JsonRequest,
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
    )
    return TracingMiddleware(AdmissionMiddleware(app, admission), clock)


def provide(make: Callable[[], object]) -> Provide:
    """Hide `make` in a function, because Litestar reads signatures; a use case is the same for every request."""
    made = cache(make)

    def build() -> object:
        return made()

    return Provide(build, sync_to_thread=False)

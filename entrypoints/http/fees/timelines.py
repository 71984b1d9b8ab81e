"""The timeline of an exam fee over HTTP, while it happens."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, QueryParameter
from litestar.response.base import ASGIResponse

from core.fees.timelines.timeline_step import TimelineStep
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.fees.timeline_streams import EVENT_STREAM, TimelineResponse, TimelineStreams
from entrypoints.http.middleware.http_rules import SENT_METHOD
from entrypoints.http.problems import problems

STEPS = ResponseSpec(
    TimelineStep,
    description="One event for each step: its `id` is that of the step, its `data` a `TimelineStep` as JSON. Comments"
    " while nothing happens. At the end one event `end`, whose `data` says why",
    media_type=EVENT_STREAM,
    generate_examples=False,
)
TEXT = {"schema": {"type": "string"}}
LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID", description="The id of the last step that the client has; it gets those after it"
    ),
]


@get(
    "/v1/exam-fees/{name:str}/timeline",
    operation_id="followTimeline",
    answer=TEXT,
    responses={200: STEPS, **problems(400, 404, 503)},
    tags=["Exam fees"],
)
async def follow_timeline(
    request: Request[Any, Any, Any],
    name: FromPath[str],
    use_cases: Wired[UseCases],
    timeline_streams: Wired[TimelineStreams],
    last_event_id: LastEventId = None,
    follow: Annotated[bool, QueryParameter(description="Whether the stream goes on after the present steps")] = True,
) -> ASGIResponse:
    """Follow what happens to an exam fee, by id or reference, as server-sent events."""
    followed = await use_cases.fees.follow_timeline(name, last_event_id or "")
    goes_on = follow and SENT_METHOD not in request.scope
    return TimelineResponse(followed, timeline_streams, request.scope, follow=goes_on)

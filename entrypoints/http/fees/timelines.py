"""The timeline of an exam fee over HTTP, while it happens."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, QueryParameter
from litestar.response.base import ASGIResponse

from core.fees.timelines.timeline_step import TimelineStep
from core.kernel.errors import Invalid
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.fees.event_streams import EVENT_STREAM, EventStreamResponse
from entrypoints.http.fees.timeline_stream import Reader
from entrypoints.http.fees.timeline_streams import TimelineStreams
from entrypoints.http.fees.web_sockets import WebSocketResponse, accepted
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
LastEventIdInQuery = Annotated[
    str | None,
    QueryParameter(
        name="last_event_id", description="The same for clients that cannot set the header, which takes precedence"
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
    last_event_id_in_query: LastEventIdInQuery = None,
    follow: Annotated[bool, QueryParameter(description="Whether the stream goes on after the present steps")] = True,
) -> ASGIResponse:
    """Follow what happens to an exam fee, by id or reference, as server-sent events.

    With `Upgrade: websocket` (RFC 6455), a program gets each step as a text frame.
    """
    accept = accepted(request.scope) if SENT_METHOD not in request.scope else None
    if accept and not follow:
        raise Invalid("a WebSocket goes on after the present steps: ask without `Upgrade`", at="$.follow")
    followed = await use_cases.fees.follow_timeline(name, last_event_id or last_event_id_in_query or "")
    reader = Reader.of(request.scope, followed)
    if accept:
        return WebSocketResponse(accept, reader, timeline_streams)
    return EventStreamResponse(reader, timeline_streams, follow=follow and SENT_METHOD not in request.scope)

"""The API document, and a page that shows it without the internet."""

from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import OpenAPI, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromPath

ASSETS = {
    "swagger_bundle.js": "text/javascript",
    "swagger_preset.js": "text/javascript",
    "swagger_style.css": "text/css",
}

NDJSON_MEDIA_TYPE = "application/x-ndjson"
CLOSED_SCHEMAS = ("ExamFeeBody", "DecisionBody", "BulkSettlementBody", "SettlementBody")
LOCAL_TIMES = {"FeeSchedule": ("opens",), "Closes": ("submission", "payment")}
LOCAL_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$"


@get("/docs-assets/{name:str}", include_in_schema=False, cache=False, sync_to_thread=True)
def asset(name: FromPath[str]) -> Response[bytes]:
    """Serve a file of the page."""
    if name not in ASSETS:
        raise NotFoundException
    body = files("offapi").joinpath(name).read_bytes()
    return Response(body, media_type=ASSETS[name], headers={"Cache-Control": "max-age=86400"})


@dataclass
class CsvBodyOperation(Operation):
    """A route whose body is read as a stream, so that its signature does not show it."""

    def __post_init__(self) -> None:
        """Describe the body."""
        self.request_body = RequestBody({"text/csv": OpenAPIMediaType(Schema(type=OpenAPIType.STRING))}, required=True)


@dataclass
class NdjsonBodyOperation(Operation):
    """A route whose body is read line by line while it is answered."""

    def __post_init__(self) -> None:
        """Describe a line, and show one."""
        row = (
            "One exam fee a line: what `POST /v1/exam-fees` takes, and its idempotency key as `key`. "
            "A line has at most 64 KiB; there may be any number of them."
        )
        example = '{"key": "form-17", "schedule": "cbse-2020-xii", "registration": "CB-2020-1001", "papers": ["041"]}\n'
        body = OpenAPIMediaType(Schema(type=OpenAPIType.STRING, description=row), example=example)
        self.request_body = RequestBody({NDJSON_MEDIA_TYPE: body}, required=True)


@dataclass
class FormBodyOperation(Operation):
    """A route whose form is read as it was sent, because it is signed."""

    def __post_init__(self) -> None:
        """Describe the form."""
        form = Schema(type=OpenAPIType.OBJECT, additional_properties=Schema(type=OpenAPIType.STRING))
        self.request_body = RequestBody({"application/x-www-form-urlencoded": OpenAPIMediaType(form)}, required=True)


class AmendedOpenAPI(OpenAPI):
    """Says what Litestar cannot tell from types: which objects take no unknown field, which moments are local time."""

    def to_schema(self) -> dict[str, Any]:
        """Amend what Litestar found, when somebody asks for it."""
        schemas: dict[str, Any] = dict(self.components.schemas)
        for name in CLOSED_SCHEMAS:
            schemas[name].additional_properties = False
        for name, moments in LOCAL_TIMES.items():
            for field in moments:
                schemas[name].properties[field] = Schema(
                    one_of=[Schema(type=OpenAPIType.STRING, pattern=LOCAL_TIME), Schema(type=OpenAPIType.NULL)],
                    description="Local time of the schedule's zone, without an offset",
                )
        return super().to_schema()


@dataclass
class AmendedOpenAPIConfig(OpenAPIConfig):
    """Makes our document instead of Litestar's."""

    def to_openapi_schema(self) -> OpenAPI:
        """Begin the document."""
        begun = super().to_openapi_schema()
        return AmendedOpenAPI(**{field.name: getattr(begun, field.name) for field in fields(begun)})


def openapi(version: str) -> OpenAPIConfig:
    """Describe the API."""
    return AmendedOpenAPIConfig(
        title="Bursar",
        version=version,
        description="A fee office that can be trusted on deadline day.",
        path="/docs",
        render_plugins=[
            SwaggerRenderPlugin(
                js_url="/docs-assets/swagger_bundle.js",
                standalone_preset_js_url="/docs-assets/swagger_preset.js",
                css_url="/docs-assets/swagger_style.css",
                path="/",
                favicon='<link rel="icon" href="data:,">',
            )
        ],
    )

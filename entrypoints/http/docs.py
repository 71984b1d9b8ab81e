"""The OpenAPI document, and a page that shows it without internet access."""

from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import OpenAPI, OpenAPIMediaType, OpenAPIType, Operation, Reference, RequestBody, Schema
from litestar.params import FromPath

ASSETS = {
    "swagger_bundle.js": "text/javascript",
    "swagger_preset.js": "text/javascript",
    "swagger_style.css": "text/css",
}

NDJSON_MEDIA_TYPE = "application/x-ndjson"
LOCAL_TIMES = {"FeeSchedule": ("opens",), "Deadlines": ("submission", "payment")}
LOCAL_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$"


@get("/docs-assets/{name:str}", include_in_schema=False, cache=False, sync_to_thread=True)
def asset(name: FromPath[str]) -> Response[bytes]:
    """Serve an asset of the page."""
    if name not in ASSETS:
        raise NotFoundException
    body = files("offapi").joinpath(name).read_bytes()
    return Response(body, media_type=ASSETS[name], headers={"Cache-Control": "max-age=86400"})


@dataclass
class CsvBodyOperation(Operation):
    """A route that reads its CSV body as a stream; its signature has no body parameter."""

    def __post_init__(self) -> None:
        """Add the body to the document."""
        self.request_body = RequestBody({"text/csv": OpenAPIMediaType(Schema(type=OpenAPIType.STRING))}, required=True)


@dataclass
class NdjsonBodyOperation(Operation):
    """A route that reads its body line by line while it responds."""

    def __post_init__(self) -> None:
        """Add the body and an example line to the document."""
        row = (
            "One exam fee per line: the body of `POST /v1/exam-fees`, and its idempotency key as `key`. "
            "A line has at most 64 KiB; the number of lines is not limited."
        )
        example = '{"key": "form-17", "schedule": "cbse-2020-xii", "registration": "CB-2020-1001", "papers": ["041"]}\n'
        body = OpenAPIMediaType(Schema(type=OpenAPIType.STRING, description=row), example=example)
        self.request_body = RequestBody({NDJSON_MEDIA_TYPE: body}, required=True)


@dataclass
class FormBodyOperation(Operation):
    """A route that reads the raw form, because the vendor signs it."""

    def __post_init__(self) -> None:
        """Add the form to the document."""
        form = Schema(type=OpenAPIType.OBJECT, additional_properties=Schema(type=OpenAPIType.STRING))
        self.request_body = RequestBody({"application/x-www-form-urlencoded": OpenAPIMediaType(form)}, required=True)


class AmendedOpenAPI(OpenAPI):
    """Adds what Litestar cannot derive from types: objects without unknown fields, and moments in local time."""

    def to_schema(self) -> dict[str, Any]:
        """Return the document with the additions."""
        schemas: dict[str, Any] = dict(self.components.schemas)
        for path in (self.paths or {}).values():
            for operation in (path.post, path.put, path.patch, path.delete):
                if operation and isinstance(operation.request_body, RequestBody):
                    for body in operation.request_body.content.values():
                        close(body.schema, schemas)
        for name, moments in LOCAL_TIMES.items():
            for field in moments:
                schemas[name].properties[field] = Schema(
                    one_of=[Schema(type=OpenAPIType.STRING, pattern=LOCAL_TIME), Schema(type=OpenAPIType.NULL)],
                    description="Local time of the schedule's zone, without an offset",
                )
        return super().to_schema()


def close(schema: Any, schemas: dict[str, Any]) -> None:
    """Forbid unknown fields in the schema of a body and its nested objects, as the decoder does."""
    if isinstance(schema, Reference):
        schema = schemas[schema.ref.rpartition("/")[2]]
    if schema is None or schema.properties is None or schema.additional_properties is False:
        return
    schema.additional_properties = False
    for each in schema.properties.values():
        close(each, schemas)


@dataclass
class AmendedOpenAPIConfig(OpenAPIConfig):
    """Creates an `AmendedOpenAPI` instead of Litestar's document."""

    def to_openapi_schema(self) -> OpenAPI:
        """Return the document that Litestar derives from the routes, as `AmendedOpenAPI`."""
        begun = super().to_openapi_schema()
        return AmendedOpenAPI(**{field.name: getattr(begun, field.name) for field in fields(begun)})


def openapi(version: str) -> OpenAPIConfig:
    """Return the configuration of the OpenAPI document."""
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

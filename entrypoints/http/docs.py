"""The page that shows the API document without internet access and without inline script or style."""

from importlib.resources import files
from typing import Any

from litestar import Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.params import FromPath

from entrypoints.http.document import DocumentConfig

ASSETS = {
    "swagger_bundle.js": ("offapi", "text/javascript"),
    "swagger_style.css": ("offapi", "text/css"),
    "docs_page.js": ("entrypoints.http", "text/javascript"),
}
PAGE = files("entrypoints.http").joinpath("docs_page.html").read_bytes()
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class ApiPage(OpenAPIRenderPlugin):
    """The page, whose script reads the document from its own address."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        """Return the page."""
        return PAGE


@get("/docs-assets/{name:str}", include_in_schema=False, cache=False, sync_to_thread=True)
def asset(name: FromPath[str]) -> Response[bytes]:
    """Serve an asset of the page."""
    if name not in ASSETS:
        raise NotFoundException
    package, media_type = ASSETS[name]
    body = files(package).joinpath(name).read_bytes()
    return Response(body, media_type=media_type, headers={"Cache-Control": "max-age=86400"})


def openapi(version: str) -> DocumentConfig:
    """Return the configuration of the OpenAPI document and its page."""
    policy = {"Content-Security-Policy": PAGE_POLICY}
    return DocumentConfig(
        title="Bursar",
        version=version,
        description="A fee office that can be trusted on deadline day.",
        use_handler_docstrings=True,
        render_plugins=[ApiPage(path="/")],
        openapi_router=Router("/docs", route_handlers=[], include_in_schema=False, response_headers=policy),
    )

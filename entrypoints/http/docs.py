"""The page that shows the API document without internet access."""

from importlib.resources import files

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.params import FromPath

from entrypoints.http.document import DocumentConfig

ASSETS = {
    "swagger_bundle.js": "text/javascript",
    "swagger_preset.js": "text/javascript",
    "swagger_style.css": "text/css",
}


@get("/docs-assets/{name:str}", include_in_schema=False, cache=False, sync_to_thread=True)
def asset(name: FromPath[str]) -> Response[bytes]:
    """Serve an asset of the page."""
    if name not in ASSETS:
        raise NotFoundException
    body = files("offapi").joinpath(name).read_bytes()
    return Response(body, media_type=ASSETS[name], headers={"Cache-Control": "max-age=86400"})


def openapi(version: str) -> DocumentConfig:
    """Return the configuration of the OpenAPI document and its page."""
    return DocumentConfig(
        title="Bursar",
        version=version,
        description="A fee office that can be trusted on deadline day.",
        path="/docs",
        use_handler_docstrings=True,
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

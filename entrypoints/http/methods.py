"""The methods of a path in `Allow`."""

from typing import Any

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message


async def complete_allow(message: Message, scope: Any) -> None:
    """Name all methods of a path in the answer to OPTIONS; Litestar names those of the handler registered first."""
    if message["type"] == "http.response.start" and scope["method"] == "OPTIONS":
        routes = [route for route in scope["litestar_app"].routes if route.path_format == scope.get("path_template")]
        methods = {method for route in routes for method in route.methods}
        MutableScopeHeaders(message)["Allow"] = ", ".join(sorted(methods))

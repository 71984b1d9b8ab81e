"""JSON that Litestar cannot read or write by itself."""

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body may be no JSON in ways that Litestar takes for a defect of ours."""

    async def json(self) -> Any:
        """Return what the body says."""
        try:
            return await super().json()
        except (RecursionError, UnicodeDecodeError) as error:
            raise HTTPException(status_code=400, detail=f"JSON is malformed: {error}") from error


def as_json(value: object) -> Response[Any]:
    """Answer 200 with a value as JSON."""
    return Response(msgspec.json.encode(value), media_type="application/json")

"""JSON that Litestar cannot read or write by itself."""

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from core.kernel.errors import Invalid


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body may be no JSON in ways that Litestar takes for a defect of ours."""

    async def json(self) -> Any:
        """Return what the body says; a text that stands where a number should is no number."""
        try:
            body = await super().json()
        except (RecursionError, UnicodeDecodeError) as error:
            raise HTTPException(status_code=400, detail=f"JSON is malformed: {error}") from error
        field = self.route_handler.parsed_data_field
        if field is not None:
            refuse_coerced(body, field.annotation)
        return body


def refuse_coerced(body: object, kind: Any) -> None:
    """Raise `Invalid` for what only Litestar, which is not strict, would take; the rest it refuses itself."""
    try:
        msgspec.convert(body, kind, str_keys=True)
    except msgspec.ValidationError as error:
        try:
            msgspec.convert(body, kind, strict=False, str_keys=True)
        except msgspec.ValidationError:
            return
        detail, _, path = str(error).partition(" - at `")
        raise Invalid(detail, at=path.rstrip("`") or "$") from error


def as_json(value: object) -> Response[Any]:
    """Answer 200 with a value as JSON."""
    return Response(msgspec.json.encode(value), media_type="application/json")

"""Query parameters: their strict forms, and those that several resources share."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, TypeAlias, get_args, get_origin
from uuid import UUID

from litestar import Request
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter

from core.kernel.constraints import Text
from core.kernel.errors import Invalid
from core.kernel.period import MAX_MOMENT, MIN_MOMENT, Period

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
"""Items of a page."""
Limit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT, description="The most items of a page")]
FORMS: Mapping[Any, Text] = {
    int: Text("a whole number of at most 18 digits", "-?[0-9]{1,18}"),
    date: Text("a day: 2026-11-20", "[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    UUID: Text("a UUID", "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
}
"""Litestar takes other texts for these, too: `1e1`, `null`."""
FOREIGN_QUERY = "foreign_query"
"""The option of a route whose caller may add parameters of its own."""


async def strict_query(request: Request[Any, Any, Any]) -> None:
    """Raise `Invalid` for a query parameter that is unknown, is given twice or has not the documented form."""
    if not request.scope["query_string"]:
        return
    forms = query_forms(request.route_handler)
    strict = request.scope["path"].startswith("/v1/") and not request.route_handler.opt.get(FOREIGN_QUERY)
    for name, values in request.query_params.dict().items():
        if strict and name not in forms:  # monitors and browsers add their own to other paths
            known = ", ".join(f"`{each}`" for each in sorted(forms)) or "none"
            raise Invalid(f"unknown query parameter `{name[:40]}`; known here: {known}", at=f"$.{name[:40]}")
        if name in forms and len(values) > 1:
            raise Invalid(f"`{name}` is given {len(values)} times", at=f"$.{name}")
        for form in forms.get(name, ()):
            form.check(name, values[0])


@cache
def query_forms(handler: BaseRouteHandler) -> Mapping[str, tuple[Text, ...]]:
    """Return the forms of the query parameters of a handler by their names in a request."""
    known = handler.parsed_fn_signature.parameters
    return {
        wire: tuple(forms_in(known[name].raw))
        for name, wire in wire_names(handler).items()
        if isinstance(known[name].kwarg_definition, QueryParameter)
    }


@cache
def wire_names(handler: BaseRouteHandler) -> Mapping[str, str]:
    """Return the names of parameters in a request by their names in Python."""
    known = handler.parsed_fn_signature.parameters
    return {name: getattr(each.kwarg_definition, "name", None) or name for name, each in known.items()}


def forms_in(kind: Any) -> list[Text]:
    """Return the forms of a type: its constraints, or else those of its decoder."""
    if get_origin(kind) is Annotated:
        if stated := [each for each in kind.__metadata__ if isinstance(each, Text)]:
            return stated
        return forms_in(get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [Text(f"one of {', '.join(kind)}", "|".join(kind))]
    if isinstance(supertype := getattr(kind, "__supertype__", kind), type) and supertype in FORMS:
        return [FORMS[supertype]]
    return [form for each in get_args(kind) for form in forms_in(each)]


def period(since: datetime | None, until: datetime | None) -> Period:
    """Return the period of the parameters `from` and `to`; without one of them, that side is open."""
    return Period(since=since or MIN_MOMENT, until=until or MAX_MOMENT)

"""GraphQL types of the core's dataclasses: the same fields and words as in the answers of the HTTP API.

An enumeration is a `String` with the words of the HTTP API, which are no names in GraphQL: `not-sent`.
"""

import types
from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, NewType, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import strawberry
from strawberry.schema.config import StrawberryConfig

from entrypoints.http.schemas import field_docs

WholeNumber = NewType("WholeNumber", int)
SCALARS: Mapping[object, Any] = {
    WholeNumber: strawberry.scalar(name="Long", description="A whole number of up to 64 bits, as in amounts.")
}
PLAIN = {str: str, bool: bool, int: WholeNumber, datetime: datetime, date: date, UUID: UUID}
CONFIG = StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True)


@cache
def type_of(kind: Any) -> Any:
    """Return the GraphQL type of a dataclass, without links to others."""
    return linked(kind, {})


def linked(kind: Any, links: Mapping[str, Any], name: str = "") -> Any:
    """Return the GraphQL type of a dataclass with fields that other use cases answer."""
    docs = field_docs(kind)
    hints = {each.name: form(get_type_hints(kind)[each.name]) for each in dataclass_fields(kind)}
    fields = {field: strawberry.field(description=docs.get(field)) for field in hints if field not in links}
    shown = {"__annotations__": {field: hints[field] for field in fields}, "__module__": __name__}
    made = type(name or kind.__name__, (), {**shown, **fields, **links})
    return strawberry.type(made, description=(kind.__doc__ or "").partition("\n")[0])


def form(hint: Any) -> Any:
    """Return what GraphQL has for a type of the core."""
    origin, arguments = get_origin(hint), get_args(hint)
    if isinstance(hint, NewType):
        return form(hint.__supertype__)
    if origin is Annotated:
        return form(arguments[0])
    if origin in (Union, types.UnionType):
        [kept] = [each for each in arguments if each is not type(None)]
        return form(kept) | None
    if origin is not None:
        return list[form(arguments[0])]  # type: ignore[misc]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return str
    return PLAIN[hint] if hint in PLAIN else type_of(hint)

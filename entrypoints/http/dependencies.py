"""Dependency injection of handlers, and the arrival of a request."""

from datetime import datetime
from typing import Annotated, Any, TypeAlias, TypeVar

from litestar import Request
from litestar.di import Dependency, Provide
from litestar.params import SkipValidationMarker

T = TypeVar("T")
Wired: TypeAlias = Annotated[T, Dependency(kind="named"), SkipValidationMarker()]
"""A singleton that handlers receive; Litestar does not validate or document it."""


def provide(value: object) -> Provide:
    """Return a dependency on a singleton."""

    def build() -> Any:
        return value

    return Provide(build, sync_to_thread=False)


def arrival(request: Request[Any, Any, Any]) -> datetime:
    """Return the moment at which the last byte of a request arrived; it decides about deadlines."""
    arrived: datetime = request.scope["arrived"]  # type: ignore[typeddict-item]
    return arrived

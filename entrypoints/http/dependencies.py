"""How handlers ask for what they drive."""

from typing import Annotated, TypeAlias, TypeVar

from litestar.di import Dependency
from litestar.params import SkipValidationMarker

T = TypeVar("T")
Wired: TypeAlias = Annotated[T, Dependency(kind="named"), SkipValidationMarker()]
"""A use case by name.  Litestar must not check its type: it arrives wrapped in whoever counts and times it."""

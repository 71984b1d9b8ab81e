"""Pages of a list as connections, by the keyset cursors of the HTTP API."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, Any

import strawberry

from entrypoints.http.query_parameters import DEFAULT_LIMIT, MAX_LIMIT
from core.kernel.errors import Invalid

First = Annotated[int, strawberry.argument(description=f"The most items of the page, at most {MAX_LIMIT}")]
After = Annotated[str | None, strawberry.argument(description="`endCursor` of the page before, or a `cursor`")]


@strawberry.type(description="Where a page ends.")
class PageInfo:
    """Where a page ends."""

    end_cursor: str | None
    has_next_page: bool


@cache
def connection_of(node: Any) -> Any:
    """Return the types of a list of nodes."""
    name = node.__name__
    edge = type(f"{name}Edge", (), {"__annotations__": {"cursor": str, "node": node}})
    edge = strawberry.type(edge, description="An item and its place in the list.")
    shown = {"edges": list[edge], "page_info": PageInfo}  # type: ignore[valid-type]
    return strawberry.type(type(f"{name}Connection", (), {"__annotations__": shown}), description="A page of a list.")


def page(node: Any, items: Sequence[Any], next_: object, cursor: Callable[[Any], object]) -> Any:
    """Return a page; `next_` is the cursor of the next page, None at the end."""
    connection = connection_of(node)
    [edges] = [each for each in connection.__strawberry_definition__.fields if each.python_name == "edges"]
    edge = edges.type.of_type
    found = [edge(cursor=str(cursor(each)), node=each) for each in items]
    end = str(next_) if next_ is not None else found[-1].cursor if found else None
    return connection(edges=found, page_info=PageInfo(end_cursor=end, has_next_page=next_ is not None))


def checked(first: int) -> int:
    """Return the size of a page; raise `Invalid`."""
    if not 1 <= first <= MAX_LIMIT:
        raise Invalid(f"`first` is a whole number from 1 to {MAX_LIMIT}", at="$.first")
    return first

"""Pages of a list as connections, by the keyset cursors of the HTTP API."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry

from entrypoints.http.query_parameters import MAX_LIMIT

First = Annotated[int, strawberry.argument(description=f"The most items of the page, at most {MAX_LIMIT}")]
After = Annotated[str | None, strawberry.argument(description="The `endCursor` of another page, or a `cursor` in it")]


@strawberry.type(description="Where a page ends.")
class PageInfo:
    """Where a page ends."""

    end_cursor: str | None
    has_next_page: bool


@dataclass(frozen=True, slots=True)
class Pages:
    """The types of the pages of one list."""

    connection: Any
    edge: Any
    cursor: Callable[[Any], object]
    """Returns the place of an item in the list."""

    @classmethod
    def of(cls, node: Any, cursor: Callable[[Any], object]) -> "Pages":
        """Return the types for the type of an item."""
        name = node.__name__
        edge = typed(f"{name}Edge", "An item and its place in the list.", cursor=str, node=node)
        connection = typed(f"{name}Connection", "A page of a list.", edges=list[edge], page_info=PageInfo)  # type: ignore[valid-type]
        return cls(connection, edge, cursor)

    def page(self, items: Sequence[Any], after: object) -> Any:
        """Return a page; `after` leads to the next one, None at the end."""
        edges = [self.edge(cursor=str(self.cursor(each)), node=each) for each in items]
        end = str(after) if after is not None else edges[-1].cursor if edges else None
        return self.connection(edges=edges, page_info=PageInfo(end_cursor=end, has_next_page=after is not None))


def typed(name: str, description: str, **fields: Any) -> Any:
    """Return a GraphQL type."""
    return strawberry.type(type(name, (), {"__annotations__": fields}), description=description)

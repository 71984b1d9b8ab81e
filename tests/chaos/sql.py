"""Direct reads of rows, without the proxy and the product."""

from typing import Any


async def select(connection: Any, query: str) -> list[tuple[Any, ...]]:
    """Return all rows."""
    async with connection.cursor() as cursor:
        await cursor.execute(query)
        return list(await cursor.fetchall())

"""One server of a group that replicates one database."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncmy

from adapters.sql.engine.gtids import Gtids

LOOK_SECONDS = 1.0
"""A server that does not tell its state within this time counts as away."""
LOOK = "SELECT @@server_uuid, @@global.read_only, @@global.gtid_mode, @@global.gtid_executed"
VERSION = "SELECT MAX(version_num) FROM alembic_version"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a server told about itself."""

    server: str
    """Its UUID."""
    read_only: bool
    has_gtids: bool
    executed: Gtids


class Member:
    """Looks at a server over a connection of its own, so that full pools hide nothing."""

    def __init__(self, host: str, port: int, options: Mapping[str, Any]) -> None:
        self.host, self.port, self.name = host, port, f"{host}:{port}"
        self._options = {**options, "host": host, "port": port}
        self._kept: Any = None
        self._alone = asyncio.Lock()

    async def look(self) -> Standing:
        """Ask a server for its state; raise the driver's error, or `TimeoutError` after `LOOK_SECONDS`."""
        server, read_only, mode, executed = await self._ask(LOOK)
        return Standing(server, bool(read_only), mode == "ON", Gtids.parse(executed) if executed else Gtids({}))

    async def version(self) -> str:
        """Return the version of the schema on this server, empty before the first migration; raise as `look` does."""
        (version,) = await self._ask(VERSION)
        return version or ""

    def drop(self) -> None:
        """Close the connection; the next look opens one."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    async def _ask(self, query: str) -> Any:
        async with self._alone, asyncio.timeout(LOOK_SECONDS):
            if self._kept is not None:
                with suppress(Exception):  # the server may have closed it meanwhile
                    return await self._row(query)
            self._kept = await asyncmy.connect(**self._options)
            return await self._row(query)

    async def _row(self, query: str) -> Any:
        try:
            async with self._kept.cursor() as cursor:
                await cursor.execute(query)
                return await cursor.fetchone()
        except BaseException:
            self.drop()
            raise

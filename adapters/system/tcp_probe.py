"""The probe of a TCP server."""

import asyncio
from urllib.parse import urlsplit

from core.kernel.errors import Unavailable
from core.kernel.health import Probe


class TcpProbe(Probe):
    """Opens a connection to a host and port, and closes it."""

    def __init__(self, name: str, host: str, port: int, remedy: str) -> None:
        self.name, self._host, self._port, self.remedy = name, host, port, remedy

    @classmethod
    def from_url(cls, name: str, url: str, remedy: str) -> "TcpProbe":
        """Return the probe of the server in a URL."""
        parts = urlsplit(url)
        return cls(name, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80), remedy)

    async def check(self) -> str:
        try:
            async with asyncio.timeout(3):
                _, writer = await asyncio.open_connection(self._host, self._port)
        except (OSError, TimeoutError) as error:
            raise Unavailable(f"{self._host}:{self._port} cannot be reached: {error or 'no answer'}") from error
        writer.close()
        return f"{self._host}:{self._port}"

"""A TCP proxy whose target can be changed, as a changed DNS entry or a virtual address does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class TcpSwitch:
    """Forwards new connections to `target`; open ones stay where they are, or fall silent."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self._tasks: set[asyncio.Task[None]] = set()
        self._silent: set[asyncio.StreamWriter] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    def silence(self) -> None:
        """Let open connections pass no more bytes, and do not close them."""
        self._silent |= self._writers

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection."""
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.close()
            return
        pair = {writer, far_writer}
        self._writers |= pair
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._forward(source, sink, pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, pair: set[asyncio.StreamWriter]
    ) -> None:
        with suppress(OSError):
            while some := await source.read(65_536):
                if sink not in self._silent:
                    sink.write(some)
                    await sink.drain()
        for each in pair:
            each.close()

    async def close(self) -> None:
        """Close every connection."""
        for each in list(self._writers):
            each.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def tcp_switch(
    target: tuple[str, int], kind: type[TcpSwitch] = TcpSwitch
) -> AsyncIterator[tuple[TcpSwitch, int]]:
    """Yield a switch and its port."""
    switch = kind(target)
    server = await asyncio.start_server(switch.connected, "127.0.0.1", 0)
    try:
        yield switch, int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await switch.close()

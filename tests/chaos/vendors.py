"""Vendors without faults that record each accepted message and each status query."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from aiohttp import web

from entrypoints.cli.command_runner import stop_on_signals
from tests.chaos.orders import Order
from tests.contract.servers.http import HttpVendor
from tests.contract.servers.ses import LocalSes
from tests.contract.servers.twilio import LocalTwilio


class VendorRecord(msgspec.Struct):
    """One line of a vendor's record, in chronological order."""

    vendor: str
    to: str
    id: str = ""
    """The id of the accepted message; empty for a status query."""
    found: int = 0
    """The number of earlier messages that the response to a status query listed."""


VENDOR_RECORD_FILE = "vendors.jsonl"


class RecordingVendor:
    """A vendor, its record, and its responses to status queries."""

    def __init__(self, name: str, vendor: HttpVendor, record: Any) -> None:
        self._name, self._vendor, self._record = name, vendor, record
        self._accepted = vendor.accepted
        vendor.accepted = self.accepted  # type: ignore[method-assign]

    def accepted(self, request: web.Request, body: bytes) -> web.Response:
        """Record a message before the response is sent."""
        answer = self._accepted(request, body)
        message = self._vendor.taken[-1]
        self._note(VendorRecord(self._name, message.to, message.id))
        return answer

    async def listed(self, request: web.Request) -> web.Response:
        """Respond as Twilio does to a query for the messages to one number."""
        to = request.query.get("To", "")
        found = [
            {"sid": each.id, "to": each.to, "body": each.words, "status": "delivered"}
            for each in self._vendor.taken
            if each.to == to
        ]
        self._note(VendorRecord(self._name, to, found=len(found)))
        return web.json_response({"messages": found, "next_page_uri": None, "page": 0, "page_size": 50})

    def _note(self, line: VendorRecord) -> None:
        self._record.write(msgspec.json.encode(line) + b"\n")
        self._record.flush()

    async def serve(self, port: int) -> web.AppRunner:
        """Listen on the port."""
        application = web.Application()
        application.router.add_post(self._vendor.path, self._vendor.serve)
        application.router.add_get(self._vendor.path, self.listed)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return runner


def run(order: Order) -> None:
    """Serve both vendors until `stop` is set."""
    uvloop.run(serve(order))


async def serve(order: Order) -> None:
    """Serve both vendors on the ports of the order."""
    stop = stop_on_signals()
    with (Path(order.folder) / VENDOR_RECORD_FILE).open("ab") as record:
        vendors: dict[str, HttpVendor] = {"twilio": LocalTwilio(), "ses": LocalSes()}
        runners = [
            await RecordingVendor(name, vendor, record).serve(order.task[name]) for name, vendor in vendors.items()
        ]
        await stop.wait()
        await asyncio.gather(*(runner.cleanup() for runner in runners))


def recorded(folder: Path) -> list[VendorRecord]:
    """Read the records of the vendors."""
    return [
        msgspec.json.decode(line, type=VendorRecord) for line in (folder / VENDOR_RECORD_FILE).read_bytes().splitlines()
    ]

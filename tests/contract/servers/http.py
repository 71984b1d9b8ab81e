"""The common part of local vendors: a web server with configurable behaviour."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from tests.contract.servers.local_vendor import AcceptedMessage, LocalVendor, VendorBehaviour, unused_port


class HttpVendor(LocalVendor):
    path: str
    account_path: str
    account: Mapping[str, object]
    """The account, as the vendor describes it to a client with valid credentials."""

    def __init__(self) -> None:
        self.behaviour = VendorBehaviour.ACCEPT
        self.retry_after: str | None = "7"
        self.date: str | None = None
        self.answer: web.Response | None = None
        self.calls = 0
        self.lured = False
        self.connections: set[object] = set()
        self.taken: list[AcceptedMessage] = []
        self.port = unused_port()
        self.url = f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        application = web.Application()
        application.router.add_route("*", self.path, self.serve)
        application.router.add_get(self.account_path, self.describe_account)
        application.router.add_route("*", "/elsewhere", self.lure)
        self._runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def lure(self, _: web.Request) -> web.Response:
        self.lured = True
        return web.Response()

    async def describe_account(self, request: web.Request) -> web.Response:
        if not self.authentic(request, await request.read()):
            return self.denied()
        return self.answer or web.json_response(dict(self.account))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        self.connections.add(request.transport)
        body = await request.read()
        if not self.authentic(request, body):
            return self.denied()
        if self.answer is not None:
            return self.answer
        match self.behaviour:
            case VendorBehaviour.THROTTLE:
                return self.throttled()
            case VendorBehaviour.BREAK:
                return web.json_response({"message": "we are sorry"}, status=503)
            case VendorBehaviour.REJECT:
                return self.rejected()
            case VendorBehaviour.DENY_US:
                return self.denied()
            case VendorBehaviour.FALL_SILENT:
                await asyncio.Event().wait()
            case VendorBehaviour.HANG_UP:
                assert request.transport is not None
                request.transport.abort()
            case VendorBehaviour.TAKE_AND_BREAK:
                self.accepted(request, body)
                return web.Response(status=502, text="<html>Bad Gateway", headers=self.delays())
            case VendorBehaviour.BABBLE:
                return web.Response(body=b"\xff<html>welcome", status=200)
        return self.accepted(request, body) if request.method == "POST" else self.listed(request)

    def delays(self) -> Mapping[str, str]:
        wanted = {"Retry-After": self.retry_after, "Date": self.date}
        return {name: value for name, value in wanted.items() if value is not None}

    def authentic(self, request: web.Request, body: bytes) -> bool:
        raise NotImplementedError

    def accepted(self, request: web.Request, body: bytes) -> web.Response:
        raise NotImplementedError

    def listed(self, request: web.Request) -> web.Response:
        raise NotImplementedError

    def throttled(self) -> web.Response:
        raise NotImplementedError

    def rejected(self) -> web.Response:
        raise NotImplementedError

    def denied(self) -> web.Response:
        raise NotImplementedError

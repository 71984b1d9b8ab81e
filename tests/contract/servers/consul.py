"""The part of a Consul agent that registers services, as its documentation describes it.

https://developer.hashicorp.com/consul/api-docs/agent/service, …/agent/check and …/health.
"""

import re
import ssl
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.contract.servers.local_vendor import unused_port

SECONDS = {"s": 1, "m": 60}


def seconds(duration: str) -> float:
    """Return a duration in the form of Go, as in 10s."""
    number, unit = re.fullmatch(r"(\d+)([sm])", duration).groups()  # type: ignore[union-attr]
    return int(number) * SECONDS[unit]


@dataclass(slots=True)
class Service:
    registered: dict[str, Any]
    renewed: float
    status: str

    @property
    def current(self) -> str:
        ttl = seconds(self.registered["Check"]["TTL"])
        return self.status if time.monotonic() < self.renewed + ttl else "critical"


class LocalConsul:
    """One agent that is its own data centre; with a token, it refuses requests without it."""

    def __init__(self, token: str = "", tls: ssl.SSLContext | None = None) -> None:
        self._token, self._tls = token, tls
        self.services: dict[str, Service] = {}
        self.port = unused_port()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    async def start(self) -> None:
        application = web.Application(middlewares=[self.authenticate])
        application.router.add_put("/v1/agent/service/register", self.register)
        application.router.add_put("/v1/agent/service/deregister/{id}", self.deregister)
        application.router.add_put("/v1/agent/check/{status:pass|warn}/service:{id}", self.renew)
        application.router.add_get("/v1/health/service/{name}", self.list)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls).start()

    async def stop(self) -> None:
        await self._runner.cleanup()

    @web.middleware
    async def authenticate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self._token and request.headers.get("X-Consul-Token") != self._token:
            return web.Response(status=403, text="Permission denied: token lacks permission")
        response: web.StreamResponse = await handler(request)
        return response

    async def register(self, request: web.Request) -> web.Response:
        service = await request.json()
        assert service["Name"] and service["ID"]
        assert seconds(service["Check"]["DeregisterCriticalServiceAfter"]) >= 60
        assert all(isinstance(each, str) for each in (*service["Meta"].values(), *service["Tags"]))
        assert isinstance(service.get("Port", 0), int)
        self.services[service["ID"]] = Service(service, time.monotonic(), service["Check"].get("Status", "critical"))
        return web.Response()

    async def deregister(self, request: web.Request) -> web.Response:
        if self.services.pop(request.match_info["id"], None) is None:
            return web.Response(status=404, text="Unknown service ID")
        return web.Response()

    async def renew(self, request: web.Request) -> web.Response:
        if (service := self.services.get(request.match_info["id"])) is None:
            return web.Response(status=404, text="Unknown check ID")
        service.renewed = time.monotonic()
        service.status = {"pass": "passing", "warn": "warning"}[request.match_info["status"]]
        return web.Response()

    async def list(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        found = [each for each in self.services.values() if each.registered["Name"] == name]
        return web.json_response([self.described(each) for each in found])

    def described(self, service: Service) -> dict[str, Any]:
        given = service.registered
        return {
            "Node": {"Node": "local", "Address": "127.0.0.1"},
            "Service": {
                "ID": given["ID"],
                "Service": given["Name"],
                "Tags": given["Tags"] or None,
                "Address": given.get("Address", ""),
                "Port": given.get("Port", 0),
                "Meta": given["Meta"],
            },
            "Checks": [
                {"CheckID": "serfHealth", "ServiceID": "", "Status": "passing"},
                {"CheckID": f"service:{given['ID']}", "ServiceID": given["ID"], "Status": service.current},
            ],
        }

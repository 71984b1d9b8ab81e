"""The registry in Consul: a service of the local agent for each process, with a check that ends without renewal.

https://developer.hashicorp.com/consul/api-docs/agent/service, …/agent/check and …/health.
"""

import json
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from adapters.vendor_http import VendorHttpClient
from core.kernel.registry import RegisteredProcess, Registry, RegistryUnavailable
from core.kernel.vendor_errors import OutcomeUnknown, VendorUnavailable

REQUEST_SECONDS = 1.0
MAX_LIST_BYTES = 4_194_304
UNKNOWN = (404, 500)
"""What the agent answers about a service or a check that it does not have; older ones answer 500."""
PASSING, WARNING, CRITICAL = "passing", "warning", "critical"
"""Of a process: ready, not ready, and without renewal."""
FORGET_AFTER = "1m"
"""Consul's own lower bound for the time after which a service without renewal is deregistered."""


class ConsulRegistry(Registry):
    """Registers at the agent of this machine, and reads from the whole data centre."""

    def __init__(self, url: str, tls: ssl.SSLContext | None, token: str, name: str, ttl_seconds: int) -> None:
        """`name` is that of the service."""
        self._http = VendorHttpClient("consul", url, REQUEST_SECONDS, tls)
        self._headers = {"X-Consul-Token": token} if token else {}
        self._name, self._ttl = name, f"{ttl_seconds}s"

    async def announce(self, process: RegisteredProcess) -> None:
        word = "pass" if process.ready else "warn"
        renewal = f"/v1/agent/check/{word}/service:{quote(process.id, safe='')}"
        if not await self._put(renewal, absent=True):
            await self._put("/v1/agent/service/register", self._service(process))

    async def withdraw(self, process: RegisteredProcess) -> None:
        await self._put(f"/v1/agent/service/deregister/{quote(process.id, safe='')}", absent=True)

    async def processes(self) -> Sequence[RegisteredProcess]:
        try:
            answer = await self._http.get(f"/v1/health/service/{self._name}", self._headers, MAX_LIST_BYTES)
        except VendorUnavailable as silence:
            raise RegistryUnavailable(str(silence)) from silence
        if answer.status != 200 or not isinstance(answer.document, list):
            raise RegistryUnavailable(f"consul refuses to list services: {answer.status}")
        listed = [registered(each) for each in answer.document]
        return sorted((each for each in listed if each), key=lambda each: each.id)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    def _service(self, process: RegisteredProcess) -> Mapping[str, Any]:
        host, _, port = process.address.rpartition(":")
        return {
            "ID": process.id,
            "Name": self._name,
            "Tags": process.serves,
            **({"Address": host.strip("[]"), "Port": int(port)} if process.address else {}),
            "Meta": {"address": process.address, "version": process.version},
            "Check": {
                "TTL": self._ttl,
                "Status": PASSING if process.ready else WARNING,
                "DeregisterCriticalServiceAfter": FORGET_AFTER,
            },
        }

    async def _put(self, path: str, body: Mapping[str, Any] | None = None, *, absent: bool = False) -> bool:
        """Return whether the agent did it; what it names may be `absent`."""
        try:
            content = json.dumps(body).encode() if body else b""
            answer = await self._http.post(path, content, self._headers, method="PUT")
        except (VendorUnavailable, OutcomeUnknown) as silence:
            raise RegistryUnavailable(str(silence)) from silence
        if answer.status != 200 and not (absent and answer.status in UNKNOWN):
            raise RegistryUnavailable(f"consul refuses {path}: {answer.status}")
        return answer.status == 200


def registered(found: Mapping[str, Any]) -> RegisteredProcess | None:
    """Return the process of a service; None for one without renewal, or that no process has registered."""
    with suppress(LookupError, TypeError):
        service, meta, statuses = (
            found["Service"],
            found["Service"]["Meta"],
            {each["Status"] for each in found["Checks"]},
        )
        if CRITICAL not in statuses:
            serves, ready = tuple(service["Tags"] or ()), statuses <= {PASSING}
            return RegisteredProcess(service["ID"], serves, meta["address"], meta["version"], ready)
    return None

"""The registry in etcd: a key for each process, which ends with its lease.

https://etcd.io/docs/latest/dev-guide/api_grpc_gateway has the JSON form of its API.
"""

import json
import ssl
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from adapters.vendor_http import VendorHttpClient, VendorResponse
from core.kernel.registry import RegisteredProcess, Registry, RegistryUnavailable
from core.kernel.vendor_errors import OutcomeUnknown, VendorUnavailable

REQUEST_SECONDS = 1.0
MAX_LIST_BYTES = 4_194_304
NOT_FOUND = 404
TOKEN_REFUSED = (400, 401)
"""A token that has ended, or is older than the last change of users or roles."""


class EtcdRegistry(Registry):
    """Renews the lease of each process that this one announced; a lease that is lost is replaced."""

    def __init__(
        self, url: str, tls: ssl.SSLContext | None, user: str, password: str, name: str, ttl_seconds: int
    ) -> None:
        """Keys begin with `name`; without a user no token is requested."""
        self._http = VendorHttpClient("etcd", url, REQUEST_SECONDS, tls)
        self._user, self._password, self._token = user, password, ""
        self._prefix, self._ttl_seconds = f"{name}/processes/", ttl_seconds
        self._leases: dict[str, str] = {}
        self._stored: dict[str, RegisteredProcess] = {}
        """What the key of a lease contains."""

    async def announce(self, process: RegisteredProcess) -> None:
        if not await self._renew(process):
            granted = await self._ask("/v3/lease/grant", {"TTL": self._ttl_seconds})
            self._stored.pop(process.id, None)
            self._leases[process.id] = str(granted["ID"])
        if self._stored.get(process.id) != process:
            value, lease = b64encode(msgspec.json.encode(process)).decode(), self._leases[process.id]
            await self._ask("/v3/kv/put", {"key": self._key(process.id), "value": value, "lease": lease})
            self._stored[process.id] = process

    async def withdraw(self, process: RegisteredProcess) -> None:
        if lease := self._leases.get(process.id):
            await self._ask("/v3/lease/revoke", {"ID": lease}, absent=True)
            del self._leases[process.id]

    async def processes(self) -> Sequence[RegisteredProcess]:
        end = self._prefix[:-1] + chr(ord(self._prefix[-1]) + 1)
        found = await self._ask("/v3/kv/range", {"key": self._key(""), "range_end": b64encode(end.encode()).decode()})
        listed = [stored_process(each.get("value", "")) for each in found.get("kvs", ())]
        return [each for each in listed if each]

    async def close(self) -> None:
        """Close the connections; a lease that is left ends by itself."""
        await self._http.close()

    async def _renew(self, process: RegisteredProcess) -> bool:
        """Return whether the lease is alive."""
        if not (lease := self._leases.get(process.id)):
            return False
        answer = await self._ask("/v3/lease/keepalive", {"ID": lease}, result=True)
        return "TTL" in answer

    def _key(self, process: str) -> str:
        return b64encode((self._prefix + process).encode()).decode()

    async def _ask(
        self, path: str, question: Mapping[str, Any], *, absent: bool = False, result: bool = False
    ) -> Mapping[str, Any]:
        """Return an answer, `result` of a stream's first one; where it may be `absent`, a 404 is an empty one."""
        if self._user and not self._token:
            self._token = await self._authenticate()
        answer = await self._post(path, question)
        if answer.status in TOKEN_REFUSED and self._token:
            self._token = await self._authenticate()
            answer = await self._post(path, question)
        if absent and answer.status == NOT_FOUND:
            return {}
        fields = answer.fields.get("result", {}) if result else answer.fields
        if answer.status != 200 or "header" not in fields:
            raise RegistryUnavailable(f"etcd refuses {path}: {answer.status} {reason(answer)}")
        return fields

    async def _authenticate(self) -> str:
        self._token = ""
        answer = await self._post("/v3/auth/authenticate", {"name": self._user, "password": self._password})
        if answer.status != 200 or not (token := answer.fields.get("token")):
            raise RegistryUnavailable(f"etcd refuses the user of registry.user: {answer.status} {reason(answer)}")
        return str(token)

    async def _post(self, path: str, question: Mapping[str, Any]) -> VendorResponse:
        headers = {"Authorization": self._token} if self._token else {}
        try:
            return await self._http.post(path, json.dumps(question).encode(), headers, MAX_LIST_BYTES)
        except (VendorUnavailable, OutcomeUnknown) as silence:
            raise RegistryUnavailable(str(silence)) from silence


def stored_process(value: str) -> RegisteredProcess | None:
    """Return the process of a key; None for what no process has written."""
    with suppress(msgspec.DecodeError, ValueError):
        return msgspec.json.decode(b64decode(value), type=RegisteredProcess)
    return None


def reason(answer: VendorResponse) -> str:
    """Return what etcd says about a refusal."""
    error = answer.fields.get("error")
    said = error if isinstance(error, dict) else answer.fields
    return str(said.get("message", ""))[:200]

"""As much of Twilio as takes a text message, and checks who brings it."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from config.settings import Secret, Twilio
from tests.contract.servers.http import HttpVendor
from tests.contract.servers.vendor import Taken

SID, TOKEN = "AC0123456789abcdef0123456789abcdef", "a token"


class LocalTwilio(HttpVendor):
    path = f"/2010-04-01/Accounts/{SID}/Messages.json"
    key = TOKEN

    def settings(self) -> Mapping[str, Any]:
        return {"twilio": Twilio(url=self.url, account_sid=SID, auth_token=Secret(self.key))}

    def authentic(self, request: web.Request, body: bytes) -> bool:
        scheme, _, words = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Basic" and b64decode(words).decode() == f"{SID}:{TOKEN}"

    def accepted(self, body: bytes) -> web.Response:
        form = parse_qs(body.decode(), strict_parsing=True)
        taken = Taken(form["To"][0], form["Body"][0], f"SM{len(self.taken):032x}", form)
        self.taken.append(taken)
        return web.json_response({"sid": taken.id, "status": "queued"}, status=201)

    def throttled(self) -> web.Response:
        return fault(429, 20429, self.delays())

    def rejected(self) -> web.Response:
        return fault(400, 21211)

    def denied(self) -> web.Response:
        return fault(401, 20003)


def fault(status: int, code: int, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"code": code, "message": "no", "status": status}, status=status, headers=headers)

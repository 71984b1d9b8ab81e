"""The part of Twilio that accepts text messages, authenticates clients, and lists the accepted messages."""

from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlencode

from aiohttp import web

from config.sections.section import Secret
from config.sections.vendors import Twilio
from tests.contract.servers.http import HttpVendor
from tests.contract.servers.local_vendor import AcceptedMessage

SID, TOKEN = "AC0123456789abcdef0123456789abcdef", "a token"


class LocalTwilio(HttpVendor):
    path, account_path = f"/2010-04-01/Accounts/{SID}/Messages.json", f"/2010-04-01/Accounts/{SID}.json"
    account: Mapping[str, object] = MappingProxyType({"sid": SID, "status": "active", "type": "Full"})
    key = TOKEN
    page = 2
    """Messages per page, less than any client requests."""
    next_path = path

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []
        self.queries: list[dict[str, str]] = []

    def settings(self) -> Mapping[str, Any]:
        return {"twilio": Twilio(url=self.url, account_sid=SID, auth_token=Secret(self.key))}

    def authentic(self, request: web.Request, body: bytes) -> bool:
        scheme, _, words = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Basic" and b64decode(words).decode() == f"{SID}:{TOKEN}"

    def accepted(self, request: web.Request, body: bytes) -> web.Response:
        form = parse_qs(body.decode(), strict_parsing=True)
        taken = AcceptedMessage(form["To"][0], form["Body"][0], f"SM{len(self.taken):032x}", form)
        self.taken.append(taken)
        self.messages.append(self.listing(taken))
        return web.json_response({"sid": taken.id, "status": "queued"}, status=201)

    def listing(self, taken: AcceptedMessage) -> dict[str, Any]:
        return {
            "sid": taken.id,
            "to": taken.to,
            "body": taken.words,
            "direction": "outbound-api",
            "status": "queued",
            "error_code": None,
            "date_created": format_datetime(datetime.now(UTC)),
            "date_sent": None,
        }

    def listed(self, request: web.Request) -> web.Response:
        self.queries.append(dict(request.query))
        begin = int(request.query.get("Page", "0")) * self.page
        theirs = [each for each in self.messages if each["to"] == request.query["To"]]
        more = urlencode({"To": request.query["To"], "Page": begin // self.page + 1, "PageToken": "PA+/="})
        answer = {
            "messages": theirs[begin : begin + self.page],
            "next_page_uri": f"{self.next_path}?{more}" if len(theirs) > begin + self.page else None,
        }
        return web.json_response(answer)

    def throttled(self) -> web.Response:
        return fault(429, 20429, self.delays())

    def rejected(self) -> web.Response:
        return fault(400, 21211)

    def denied(self) -> web.Response:
        return fault(401, 20003)


def fault(status: int, code: int | str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"code": code, "message": "no", "status": status}, status=status, headers=headers)

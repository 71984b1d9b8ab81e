"""The part of Amazon SES that accepts e-mails; it verifies signatures by the published algorithm, without botocore."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from aiohttp import web

from config.sections.section import Secret
from config.sections.vendors import Ses
from tests.contract.servers.http import HttpVendor
from tests.contract.servers.local_vendor import AcceptedMessage

KEY_ID, KEY, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "ap-south-1"


class LocalSes(HttpVendor):
    path, account_path = "/v2/email/outbound-emails", "/v2/email/account"
    account: Mapping[str, object] = MappingProxyType({"SendingEnabled": True, "ProductionAccessEnabled": True})
    key = KEY

    def settings(self) -> Mapping[str, Any]:
        section = Ses(region=REGION, url=self.url, access_key_id=KEY_ID, secret_access_key=Secret(self.key))
        return {"ses": section}

    def authentic(self, request: web.Request, body: bytes) -> bool:
        credential = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([\w-]+)/ses/aws4_request, "
            r"SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})",
            request.headers.get("Authorization", ""),
        )
        if credential is None or credential[1] != KEY_ID or "host" not in credential[4].split(";"):
            return False
        names = credential[4].split(";")
        headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names)
        digest = hashlib.sha256(body).hexdigest()
        canonical = f"{request.method}\n{request.path}\n\n{headers}\n{credential[4]}\n{digest}"
        scope = f"{credential[2]}/{credential[3]}/ses/aws4_request"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = f"AWS4-HMAC-SHA256\n{request.headers['X-Amz-Date']}\n{scope}\n{hashed}"
        key = f"AWS4{KEY}".encode()
        for part in (credential[2], credential[3], "ses", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.compare_digest(hmac.digest(key, to_sign.encode(), "sha256").hex(), credential[5])

    def accepted(self, request: web.Request, body: bytes) -> web.Response:
        email = json.loads(body)
        simple = email["Content"]["Simple"]
        (to,) = email["Destination"]["ToAddresses"]
        sender = {"From": email["FromEmailAddress"]}
        taken = AcceptedMessage(to, simple["Body"]["Text"]["Data"], f"0109-{len(self.taken)}", simple | sender)
        self.taken.append(taken)
        return web.json_response({"MessageId": taken.id})

    def throttled(self) -> web.Response:
        return fault(429, "TooManyRequestsException", "slow down", self.delays())

    def rejected(self) -> web.Response:
        return fault(400, "MessageRejected", "Email address is on the suppression list")

    def denied(self) -> web.Response:
        return fault(403, "SignatureDoesNotMatch", "check your key")


def fault(
    status: int,
    kind: str,
    message: str,
    headers: Mapping[str, str] | None = None,
    *,
    field: str = "message",
    header: bool = True,
) -> web.Response:
    named = {"x-amzn-ErrorType": f"{kind}:http://internal.amazon.com/coral/"} if header else {}
    body = {field: message} if header else {"__type": f"com.amazonaws.ses.v2#{kind}", field: message}
    return web.json_response(body, status=status, headers=named | dict(headers or {}))

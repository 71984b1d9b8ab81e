"""An OpenID provider that signs whatever claims a test asks for."""

import hmac
import json
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from adapters.oidc.provider import base64url
from core.kernel.clock import Clock
from tests.contract.servers.local_vendor import unused_port

CLIENT, SECRET, CODE, ACCESS_TOKEN = "bursar", "a secret: of + two words", "the code", "an access token"
ANY_HEADER = JWSRegistry(algorithms=["RS256", "ES256", "HS256", "none"], strict_check_header=False)


class LocalOpenIdProvider:
    """Answers the code flow; attributes change what it publishes and signs."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.port = unused_port()
        self.issuer = self.url = f"http://127.0.0.1:{self.port}"
        self.key: Any = rsa_key("one")
        self.published: list[Mapping[str, Any]] = [self.key.as_dict(private=False)]
        self.discovery: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.signing_key: Any = None
        self.token_answer: web.Response | None = None
        self.reads: list[str] = []
        self.exchanges: list[Mapping[str, str]] = []
        self.authorization = ""
        self.lured = False
        self.moved = False
        self.used = False
        self.nonce = self.challenge = ""

    async def start(self) -> None:
        application = web.Application()
        application.router.add_get("/.well-known/openid-configuration", self.describe)
        application.router.add_get("/organizations/v2.0/.well-known/openid-configuration", self.describe)
        application.router.add_get("/keys", self.publish)
        application.router.add_post("/token", self.exchange)
        application.router.add_route("*", "/elsewhere", self.lure)
        self._runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        await self._runner.cleanup()

    def visit(self, url: str) -> str:
        """Do what a browser and a person do with the authorization URL; return the state."""
        query = parse_qs(urlsplit(url).query)
        self.nonce, self.challenge = query["nonce"][0], query["code_challenge"][0]
        return query["state"][0]

    async def describe(self, _: web.Request) -> web.Response:
        self.reads.append("discovery")
        if self.moved:
            raise web.HTTPFound("/elsewhere")
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        return web.json_response(document | self.discovery)

    async def publish(self, _: web.Request) -> web.Response:
        self.reads.append("keys")
        return web.json_response({"keys": self.published})

    async def lure(self, _: web.Request) -> web.Response:
        self.lured = True
        return web.Response()

    async def exchange(self, request: web.Request) -> web.Response:
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        self.exchanges.append(form)
        self.authorization = request.headers.get("Authorization", "")
        if self.token_answer is not None:
            return self.token_answer
        challenge = base64url(sha256(form["code_verifier"].encode()).digest())
        if self.used or form["code"] != CODE or challenge != self.challenge:
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.used = True
        return web.json_response({"access_token": ACCESS_TOKEN, "id_token": self.token(), "token_type": "Bearer"})

    def token(self) -> str:
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": self.issuer,
            "sub": "ananya",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonce,
            "at_hash": base64url(sha256(ACCESS_TOKEN.encode()).digest()[:16]),
            "email": "ananya@example.org",
            "email_verified": True,
            "name": "Ananya Rao",
        } | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": "one"} | self.header
        header = {name: value for name, value in header.items() if value is not None}
        if header["alg"] in ("none", "HS256"):  # as an attacker does it: joserfc refuses a public key as a secret
            text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
            mac = b"" if header["alg"] == "none" else hmac.digest(self.signing_key, text.encode(), "sha256")
            return f"{text}.{base64url(mac)}"
        return jws.serialize_compact(
            header, json.dumps(claims), self.signing_key or self.key, algorithms=[header["alg"]], registry=ANY_HEADER
        )


@cache
def rsa_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "alg": "RS256", "use": "sig"})


def elliptic_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})

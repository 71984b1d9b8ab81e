"""The authorization code flow with PKCE, as the client of one OpenID provider.

https://openid.net/specs/openid-connect-core-1_0.html, section 3.1; RFC 7636 (PKCE), RFC 9207 (`iss`), RFC 6749.
"""

import hmac
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from urllib.parse import quote_plus, urlencode

from adapters.oidc.endpoints import Endpoints, ProviderMetadata
from adapters.oidc.id_token import Expected, key_id, verify
from adapters.oidc.issuer import Issuer
from adapters.vendor_http import VendorHttpClient, VendorResponse
from core.identity.identity_provider import (
    AuthorizationRequest,
    Identity,
    IdentityProvider,
    IdentityRefused,
    ProviderUnavailable,
)
from core.kernel.clock import Clock
from core.kernel.vendor_errors import OutcomeUnknown, VendorUnavailable

TIMEOUT_SECONDS = 5.0
SECRET_BYTES = 32


class OidcProvider(IdentityProvider):
    """One OpenID provider, found by discovery at the first sign-in."""

    def __init__(
        self, *, issuer: str, client_id: str, client_secret: str, scopes: Sequence[str], callback: str, clock: Clock
    ) -> None:
        self._issuer, self._client_id, self._client_secret = Issuer(issuer), client_id, client_secret
        self._scopes, self._callback, self._clock = " ".join(scopes), callback, clock
        self._http = VendorHttpClient(issuer, "", TIMEOUT_SECONDS)
        self._metadata = ProviderMetadata(self._http, self._issuer, clock)

    async def begin(self) -> AuthorizationRequest:
        endpoints = await self._metadata.endpoints()
        state, secret = secrets.token_urlsafe(SECRET_BYTES), secrets.token_urlsafe(SECRET_BYTES)
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._callback,
            "scope": self._scopes,
            "state": state,
            "nonce": derived(secret, "nonce"),
            "code_challenge": base64url(sha256(derived(secret, "code verifier").encode()).digest()),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in endpoints.authorization else "?"
        url = endpoints.authorization + joint + urlencode(query)
        return AuthorizationRequest(url=url, state=state, browser_secret=secret)

    async def complete(self, code: str, issuer: str | None, browser_secret: str) -> Identity:
        endpoints = await self._metadata.endpoints()
        if issuer is None and endpoints.announces_issuer:
            raise IdentityRefused("the answer does not say which provider it is of")
        if issuer is not None and not self._issuer.has_tenants and issuer != self._issuer.name:
            raise IdentityRefused("the answer is of another provider")
        tokens = await self._exchange(endpoints, code, derived(browser_secret, "code verifier"))
        identity = await self._verified(tokens, derived(browser_secret, "nonce"))
        if issuer not in (None, identity.issuer):
            raise IdentityRefused("the answer is of another provider")
        return identity

    async def close(self) -> None:
        """Close the connections to the provider."""
        await self._http.close()

    async def _exchange(self, endpoints: Endpoints, code: str, verifier: str) -> Mapping[str, str]:
        """Return the tokens for a code; the code is used up, whatever the answer is."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if endpoints.basic_authentication:  # RFC 6749, 2.3.1: both parts are form-encoded first
            words = f"{quote_plus(self._client_id)}:{quote_plus(self._client_secret)}"
            headers["Authorization"] = "Basic " + b64encode(words.encode()).decode()
        else:
            form |= {"client_id": self._client_id, "client_secret": self._client_secret}
        try:
            answer = await self._http.post(endpoints.token, urlencode(form).encode(), headers)
        except (VendorUnavailable, OutcomeUnknown) as silence:
            raise ProviderUnavailable(str(silence)) from silence
        return self._tokens(answer)

    def _tokens(self, answer: VendorResponse) -> Mapping[str, str]:
        if answer.status == 400 and answer.fields.get("error") == "invalid_grant":
            raise IdentityRefused("the provider does not know the code, or it was used before")
        tokens = {name: answer.fields.get(name) for name in ("id_token", "access_token")}
        if answer.status != 200 or not all(isinstance(each, str) for each in tokens.values()):
            fault = known_error(answer.fields.get("error"))
            raise ProviderUnavailable(f"{self._issuer.name} answered {answer.status} {fault}without tokens")
        return {name: str(each) for name, each in tokens.items()}

    async def _verified(self, tokens: Mapping[str, str], nonce: str) -> Identity:
        token = tokens["id_token"]
        keys = await self._metadata.keys(key_id(token))
        expected = Expected(
            issuer=self._issuer,
            client_id=self._client_id,
            nonce=nonce,
            access_token=tokens["access_token"],
            now=self._clock.now().timestamp(),
        )
        return verify(token, keys, expected)


def derived(secret: str, purpose: str) -> str:
    """Return a secret of one purpose that does not reveal the one it is derived from."""
    return base64url(hmac.digest(secret.encode("utf-8", "replace"), purpose.encode(), "sha256"))


def base64url(octets: bytes) -> str:
    """Return octets in base64url without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def known_error(error: object) -> str:
    """Return an error of RFC 6749, 5.2, which is about this client; empty for another text."""
    known = ("invalid_client", "unauthorized_client", "invalid_request", "unsupported_grant_type", "invalid_scope")
    return f"({error}) " if error in known else ""

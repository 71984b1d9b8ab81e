"""Find out who acts by an API key."""

from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest

from core.identity.api_key import OwnedApiKey
from core.identity.api_keys.known_api_keys import KnownApiKeys
from core.kernel.authorization import NotAuthenticated, Principal, open_to_all
from core.kernel.clock import Clock


@open_to_all
@dataclass(frozen=True, slots=True)
class AuthenticateApiKey:
    """Tell who acts by an API key; one that the process knows costs no query."""

    known_api_keys: KnownApiKeys
    clock: Clock

    async def __call__(self, credential: str, address: str = "") -> Principal:
        """Return the principal; raise `NotAuthenticated`, or what `KnownApiKeys.find` raises."""
        known = await self.known_api_keys.find(credential, address)
        if known is None or not belongs_to(credential, known):
            raise NotAuthenticated("this is no API key of this office; `bursar api-keys create` makes one")
        now = self.clock.now()
        if fault := known.fault(now):
            raise NotAuthenticated(f"this API key {fault}")
        self.known_api_keys.note_use(known.key, now)
        return known.principal(address)

    def if_known(self, credential: str, address: str = "") -> Principal | None:
        """Return the principal of a valid key that needs no query; None for any other."""
        known, now = self.known_api_keys.current(credential), self.clock.now()
        if known is None or not belongs_to(credential, known) or known.fault(now):
            return None
        self.known_api_keys.note_use(known.key, now)
        return known.principal(address)


def belongs_to(credential: str, known: OwnedApiKey) -> bool:
    """Tell whether a text is that of a key, in a time that does not depend on the text."""
    return compare_digest(known.key.digest, sha256(credential.encode("utf-8", "surrogatepass")).digest())

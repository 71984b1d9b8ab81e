"""List the public keys that verify access tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.identity.sessions.session_watch import SessionWatch
from core.identity.signing_key import verified_until
from core.kernel.authorization import open_to_all
from core.kernel.clock import Clock


@open_to_all
@dataclass(frozen=True, slots=True)
class ListPublicKeys:
    """List the signing keys whose tokens are valid now or soon."""

    session_watch: SessionWatch
    clock: Clock

    async def __call__(self) -> Sequence[str]:
        """Return each public key as a JWK in JSON, as of 10 seconds ago at most; raise `Unavailable`."""
        await self.session_watch.ensure_read()
        keys, now = self.session_watch.signing_keys, self.clock.now()
        until = verified_until(keys)
        return [key.public for key in keys if now < until[key.kid]]

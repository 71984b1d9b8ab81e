"""List the public keys that verify access tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.identity.ports import NewIdentityUnitOfWork
from core.identity.signing_key import verifying
from core.kernel.authorization import open_to_all
from core.kernel.clock import Clock


@open_to_all
@dataclass(frozen=True, slots=True)
class ListPublicKeys:
    """List the signing keys whose tokens are valid now or soon."""

    new_work: NewIdentityUnitOfWork
    clock: Clock

    async def __call__(self) -> Sequence[str]:
        """Return each public key as a JWK in JSON."""
        async with self.new_work() as work:
            keys = await work.signing_keys.all()
        return [key.public for key in verifying(keys, self.clock.now())]

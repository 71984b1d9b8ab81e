"""Replace the signing key."""

from dataclasses import dataclass
from typing import ClassVar

from core.identity.ports import NewIdentityUnitOfWork
from core.identity.session_ports import KeyPairs
from core.identity.signing_key import ANNOUNCEMENT, SigningKey
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock


@requires(Permission.SYSTEM_RUN, fresh=True)
@dataclass(frozen=True, slots=True)
class RotateSigningKey:
    """Create a key that signs in a minute; the one before it verifies until its last token is out."""

    ACTION: ClassVar = "rotate-signing-key"

    new_work: NewIdentityUnitOfWork
    key_pairs: KeyPairs
    clock: Clock

    async def __call__(self) -> SigningKey:
        """Return the new key."""
        key = self.key_pairs.create(self.clock.now() + ANNOUNCEMENT)
        async with self.new_work() as work:
            work.signing_keys.add(key)
            work.audit(Deed(action=self.ACTION, target=f"signing-key/{key.kid}", after={"signs_from": key.signs_from}))
            await work.commit()
        return key

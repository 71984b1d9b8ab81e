"""Create the first signing key."""

from dataclasses import dataclass
from typing import ClassVar

from core.identity.ports import NewIdentityUnitOfWork
from core.identity.session_ports import KeyPairs
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock


@requires(Permission.SYSTEM_RUN, fresh=True)
@dataclass(frozen=True, slots=True)
class CreateSigningKey:
    """Create the key that signs access tokens, unless there is one."""

    ACTION: ClassVar = "create-signing-key"

    new_work: NewIdentityUnitOfWork
    key_pairs: KeyPairs
    clock: Clock

    async def __call__(self) -> str | None:
        """Return the id of the new key; None if there was one."""
        async with self.new_work() as work:
            if await work.signing_keys.all():
                return None
            key = self.key_pairs.create(self.clock.now())
            work.signing_keys.add(key)
            work.audit(Deed(action=self.ACTION, target=f"signing-key/{key.kid}"))
            await work.commit()
        return key.kid

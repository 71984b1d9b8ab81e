"""Revoke an API key."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.identity.api_key import ApiKeySummary
from core.identity.credential import ApiKeyId
from core.identity.errors import UnknownApiKey
from core.identity.ports import NewIdentityUnitOfWork
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock


@requires(Permission.API_KEYS_WRITE)
@dataclass(frozen=True, slots=True)
class RevokeApiKey:
    """Make an API key invalid, in every process within a second."""

    ACTION: ClassVar = "revoke-api-key"

    new_work: NewIdentityUnitOfWork
    clock: Clock

    async def __call__(self, key_id: UUID) -> ApiKeySummary:
        """Return the revoked key, also if it was revoked before; raise `UnknownApiKey`."""
        async with self.new_work() as work:
            key = await work.api_keys.lock(ApiKeyId(key_id))
            if key is None:
                raise UnknownApiKey.with_id(key_id)
            if key.revoked_at is None:
                before, key = key.audited(), key.revoked(self.clock.now())
                work.api_keys.replace(key)
                target = f"api-key/{key.id}"
                work.audit(Deed(action=self.ACTION, target=target, before=before, after=key.audited()))
                await work.commit()
        return key.summary()

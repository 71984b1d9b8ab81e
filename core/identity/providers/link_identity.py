"""Link an identity."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from core.identity.identity_provider import AuthorizationRequest, IdentityProvider
from core.identity.pending_sign_in import PendingSignIn
from core.identity.ports import NewIdentityUnitOfWork
from core.identity.providers.sign_in_with_provider import named
from core.kernel.authorization import NotAuthenticated, current_principal, open_to_all
from core.kernel.clock import Clock


@open_to_all
@dataclass(frozen=True, slots=True)
class LinkIdentity:
    """Send the browser of a caller to an identity provider, and link the account with who comes back.

    The link is made when `SignIn` takes the answer.
    """

    ACTION: ClassVar = "link-identity"

    identity_providers: Mapping[str, IdentityProvider]
    new_work: NewIdentityUnitOfWork
    clock: Clock

    async def __call__(self, provider: str) -> AuthorizationRequest:
        """Return where the browser goes; raise `NotAuthenticated` for a caller without a session."""
        caller = current_principal.get()
        if caller.account is None or caller.session is None:
            raise NotAuthenticated("sign in with a password or a code to link an identity; an API key is not enough")
        request = await named(self.identity_providers, provider).begin()
        async with self.new_work() as work:
            work.pending_sign_ins.add(PendingSignIn.of(request, provider, self.clock.now(), caller))
            await work.commit()
        return request

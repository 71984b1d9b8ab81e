"""Sign in with an identity provider."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.identity.identity_provider import AuthorizationRequest, IdentityProvider, UnknownProvider
from core.identity.pending_sign_in import PendingSignIn
from core.identity.ports import NewIdentityUnitOfWork
from core.kernel.authorization import open_to_all
from core.kernel.clock import Clock


@open_to_all
@dataclass(frozen=True, slots=True)
class SignInWithProvider:
    """Send a browser to an identity provider; `SignIn` takes what it comes back with."""

    identity_providers: Mapping[str, IdentityProvider]
    new_work: NewIdentityUnitOfWork
    clock: Clock

    async def __call__(self, provider: str) -> AuthorizationRequest:
        """Return where the browser goes; raise `UnknownProvider` or `ProviderUnavailable`."""
        request = await named(self.identity_providers, provider).begin()
        async with self.new_work() as work:
            work.pending_sign_ins.add(PendingSignIn.of(request, provider, self.clock.now()))
            await work.commit()
        return request


def named(providers: Mapping[str, IdentityProvider], name: str) -> IdentityProvider:
    """Return a provider; raise `UnknownProvider`."""
    if name not in providers:
        known = ", ".join(sorted(providers)) or "none is set up"
        raise UnknownProvider(f"there is no identity provider `{name[:40]}`; known: {known}")
    return providers[name]

"""The probe of an identity provider."""

from core.identity.identity_provider import IdentityProvider
from core.kernel.health import Probe


class ProviderProbe(Probe):
    """Reads the discovery document, as a sign-in does first."""

    deadline_seconds = 6.0

    def __init__(self, name: str, provider: IdentityProvider) -> None:
        self.name, self._provider = f"identity provider ({name})", provider
        self.remedy = f"correct oidc.{name}.issuer to what the provider names in its discovery document, or reach it"

    async def check(self) -> str:
        await self._provider.begin()
        return "its discovery document is of the configured issuer"

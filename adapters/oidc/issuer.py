"""The name of an issuer, which for some providers has a part for the tenant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

TENANT = "{tenantid}"
"""The placeholder in the issuer of Microsoft's multi-tenant metadata.

https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens#validate-the-issuer
"""


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer as it is configured."""

    name: str

    @property
    def discovery_url(self) -> str:
        """Return the address of the discovery document; that of all tenants is under `organizations`."""
        return self.name.replace(TENANT, "organizations").rstrip("/") + "/.well-known/openid-configuration"

    @property
    def is_local(self) -> bool:
        """Tell whether the issuer is on this machine and unencrypted."""
        return urlsplit(self.name).scheme == "http"

    @property
    def has_tenants(self) -> bool:
        """Tell whether each tenant is an issuer of its own."""
        return TENANT in self.name

    def of(self, claims: Mapping[str, Any]) -> str | None:
        """Return the issuer that a token must name: with its tenant `tid`, a UUID; None without a valid tenant."""
        return self.name_of(self.name, claims)

    def is_signed_by(self, key: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
        """Tell whether a key signs for the issuer of a token: Microsoft's keys name the issuer that they are for."""
        named = key.get("issuer")
        return not self.has_tenants or (isinstance(named, str) and self.name_of(named, claims) == self.of(claims))

    @staticmethod
    def name_of(template: str, claims: Mapping[str, Any]) -> str | None:
        """Return a template with the tenant of a token."""
        if TENANT not in template:
            return template
        tenant = claims.get("tid")
        try:
            valid = isinstance(tenant, str) and str(UUID(tenant)) == tenant
        except ValueError:
            valid = False
        return template.replace(TENANT, str(tenant)) if valid else None

"""What `bursar doctor` finds in the settings themselves, and in this machine."""

import resource
from collections.abc import Iterator
from urllib.parse import urlsplit

from config.credentials import check_credentials, check_encryption, check_gateways
from config.sections.section import Misconfigured
from config.settings import Settings
from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from core.use_cases import UseCases
from entrypoints.http.server import files_needed

MAX_LIKELY_PROXIES = 4
LEAST_DRAIN_SECONDS = 3
"""What a gateway needs to learn from the registry that a process stops: its follower and its own pauses."""
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class Finding(Probe):
    """Something wrong that needs no further check."""

    def __init__(self, name: str, detail: str, remedy: str) -> None:
        self.name, self._detail, self.remedy = name, detail, remedy

    async def check(self) -> str:
        raise Unavailable(self._detail)


class SigningKeyProbe(Probe):
    """Tells whether there is a key that signs access tokens."""

    name, remedy = "signing keys", "run `bursar keys create`"

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases

    async def check(self) -> str:
        if not await self._use_cases.identity.list_public_keys():
            raise Unavailable("there is no key that signs access tokens: HTTP does not start")
        return "there is one"


def findings(settings: Settings) -> Iterator[Finding]:
    """Yield what is wrong whatever the servers answer."""
    yield from missing_secrets(settings)
    if "http" in settings.serve:
        yield from public_address(settings)
        yield from play_money(settings)
        yield from too_few_files(settings)
        yield from too_short_a_drain(settings)


def missing_secrets(settings: Settings) -> Iterator[Finding]:
    """Yield secrets that processes share and do not have."""
    shared, http = settings.adapters.persistence == "mysql", "http" in settings.serve
    for name in ("identity", "admission"):
        if shared and http and not getattr(settings, name).secret.reveal():
            variable = f"BURSAR__{name.upper()}__SECRET"
            remedy = f"set {variable} to 32 or more random characters, the same in every process"
            yield Finding(f"{name}.secret", "empty", remedy)
    for check in (check_encryption, check_credentials, check_gateways):
        try:
            check(settings)
        except Misconfigured as error:
            setting, _, rest = str(error).partition(": ")
            yield Finding(setting, *(part.strip() for part in rest.partition(";")[::2]))


def play_money(settings: Settings) -> Iterator[Finding]:
    """Yield that the public can pay without money."""
    if "sandbox" in settings.adapters.payments and urlsplit(settings.http.public_url).scheme == "https":
        detail = "sandbox: a click on its page pays a fee, no money moves, and the address is public"
        yield Finding("adapters.payments", detail, "set adapters.payments to stripe or razorpay")


def public_address(settings: Settings) -> Iterator[Finding]:
    """Yield what is wrong with the address that others use, and with the proxies that lead to it."""
    parts, proxies = urlsplit(settings.http.public_url), settings.http.trusted_proxies
    name = "http.public_url"
    if parts.scheme == "http" and parts.hostname not in THIS_MACHINE:
        yield Finding(name, f"{parts.geturl()} is not encrypted", "put TLS in front of HTTP, and set it to https://…")
    if parts.path.strip("/"):
        detail = f"{parts.geturl()} has a path, and the routes begin at /v1"
        yield Finding(name, detail, "set it to the scheme and the host alone")
    if parts.scheme == "https" and not proxies:
        detail = f"0, and a proxy ends the TLS of {parts.geturl()}: all clients share its address, and so its limits"
        yield Finding("http.trusted_proxies", detail, "set it to the number of proxies in front of this process")
    if proxies > MAX_LIKELY_PROXIES:
        detail = f"{proxies}: with fewer proxies, a client chooses the address that limits count by"
        yield Finding("http.trusted_proxies", detail, "set it to the exact number of proxies in front of this process")


def too_few_files(settings: Settings) -> Iterator[Finding]:
    """Yield that the operating system allows fewer files than HTTP needs."""
    needed, (_, hard) = files_needed(settings.http.max_connections), resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        detail = f"the system allows {hard} open files, and http.max_connections needs {needed}"
        yield Finding("open files", detail, "raise the limit (ulimit -n, LimitNOFILE), or lower http.max_connections")


def too_short_a_drain(settings: Settings) -> Iterator[Finding]:
    """Yield that gateways learn from the registry of the end of a process after it."""
    if settings.adapters.registry != "none" and settings.http.drain_seconds < LEAST_DRAIN_SECONDS:
        detail = f"{settings.http.drain_seconds:g}, and gateways learn later from the registry that a process stops"
        yield Finding("http.drain_seconds", detail, f"set it to {LEAST_DRAIN_SECONDS} or more")

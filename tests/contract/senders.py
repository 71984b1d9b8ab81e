"""Local vendors and senders of each channel, for the contract tests of `EmailSender` and `SmsSender`."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from config.container.vendors import Vendors
from config.sections.vendors import Resilience, Sandbox
from config.settings import Adapters, Settings
from core.notifications.messages import DeliveryId, Email, Sms
from tests.applications import an_application
from tests.contract.servers.local_vendor import LocalVendor
from tests.contract.servers.ses import LocalSes
from tests.contract.servers.smtp import LocalSmtp
from tests.contract.servers.twilio import LocalTwilio

IN_PROCESS = ("console", "sandbox")
SINGLE_ATTEMPT = Resilience(max_attempts=1, deadline_seconds=5)


def an_email(**changes: Any) -> Email:
    text, html = "प्रिय आरव,\n.\nशुल्क मिल गया।\n", "<p>प्रिय आरव</p>"
    given = {"to": "aarav.sharma@example.org", "subject": "परीक्षा शुल्क ₹1,500.00", "text": text, "html": html}
    return Email(delivery=DeliveryId(uuid4()), **given | changes)


def an_sms(**changes: Any) -> Sms:
    given = {"to": "+919876543210", "text": "शुल्क ₹1,500.00 & संदर्भ BF-7K3M-9QZ4-XA2B-C"}
    return Sms(delivery=DeliveryId(uuid4()), **given | changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderKind:
    """What the contract tests need to know about a channel."""

    channel: str
    a_message: Callable[..., Any]
    servers: Mapping[str, Callable[[Path], LocalVendor]]
    recorded_field: str
    """The field of a message that the sandbox records besides its address."""

    @property
    def vendors(self) -> list[str]:
        """Return the names of all vendors, sorted."""
        return sorted(getattr(Vendors, f"{self.channel}_vendors").providers)

    @property
    def remote(self) -> list[str]:
        """Return the names of the vendors that a server implements, sorted."""
        return [name for name in self.vendors if name not in IN_PROCESS]


EMAIL = SenderKind(
    channel="email",
    a_message=an_email,
    servers={"ses": lambda _: LocalSes(), "smtp": LocalSmtp},
    recorded_field="subject",
)
SMS = SenderKind(channel="sms", a_message=an_sms, servers={"twilio": lambda _: LocalTwilio()}, recorded_field="text")
KINDS = (EMAIL, SMS)


@dataclass(slots=True)
class Senders:
    """Opens senders, alone or behind the resilience chain, and closes their connections."""

    in_chain: bool
    folder: Path
    _opened: list[Any] = field(default_factory=list)

    def open(
        self,
        kind: SenderKind,
        name: str,
        server: LocalVendor | None = None,
        resilience: Resilience = SINGLE_ATTEMPT,
        **more: Any,
    ) -> Any:
        """Return a sender whose vendor is `server`, or that of the settings `more`."""
        sections: dict[str, Any] = {"sandbox": Sandbox(record_path=str(self.folder / "record.jsonl"))}
        sections |= dict(server.settings()) if server else {}
        adapters = Adapters(**{kind.channel: (name,)})  # type: ignore[arg-type]
        application = an_application(Settings(adapters=adapters, resilience=resilience, **sections | more))
        self._opened.append(getattr(application.vendors, f"{kind.channel}_vendors")(name))
        return getattr(application.vendors, kind.channel)() if self.in_chain else self._opened[-1]

    async def close(self) -> None:
        for vendor in self._opened:
            if hasattr(vendor, "close"):
                await vendor.close()


@asynccontextmanager
async def running(kind: SenderKind, name: str, folder: Path) -> AsyncIterator[LocalVendor]:
    """Run the local server of a vendor."""
    server = kind.servers[name](folder)
    await server.start()
    yield server
    await server.stop()

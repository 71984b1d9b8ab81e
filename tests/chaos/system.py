"""The system under test: its processes and their configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.chaos.faults import WORKERS
from tests.chaos.orders import Order
from tests.chaos.payers import BOOK_FILE
from tests.chaos.preparation import API_KEY_FILE
from tests.chaos.servers import HOST, PASSWORD, VENDORS, Stack
from tests.containers import free_port
from tests.contract.servers.ses import KEY, KEY_ID, REGION
from tests.contract.servers.twilio import SID, TOKEN
from tests.databases import ENCRYPTION


@dataclass(frozen=True, slots=True)
class SystemUnderTest:
    """A database, topics and addresses that no other run uses."""

    stack: Stack
    folder: Path
    sabotage: str = ""
    name: str = field(default_factory=lambda: f"chaos_{uuid4().hex[:12]}")
    ports: Mapping[str, int] = field(
        default_factory=lambda: {f"http-{number + 1}": free_port() for number in range(WORKERS["http"])}
    )

    @property
    def prefix(self) -> str:
        """Return the prefix of its topics."""
        return f"{self.name}."

    @property
    def base_urls(self) -> list[str]:
        """Return the base URLs of HTTP."""
        return [f"http://{HOST}:{port}" for port in self.ports.values()]

    def preparation(self, candidates: int) -> Order:
        """Return the order that creates schema, topics and roster."""
        return self._order("setup-1", self.stack.direct, {"candidates": candidates})

    def api_key(self) -> str:
        """Return the API key that the preparation created."""
        return (self.folder / API_KEY_FILE).read_text(encoding="utf-8").strip()

    def vendors(self) -> Order:
        """Return the order that runs the vendors."""
        return self._order("vendors-1", self.stack.direct, {name: self.stack.direct[name] for name in VENDORS})

    def ticker(self) -> Order:
        """Return the order that records test events."""
        return self._order("ticker-1", self.stack.proxied)

    def workers(self) -> list[Order]:
        """Return the orders for the processes of the system."""
        names = [f"{role}-{number + 1}" for role, count in WORKERS.items() for number in range(count)]
        return [self._order(name, self.stack.proxied) for name in names]

    def _order(self, name: str, servers: Mapping[str, int], task: Mapping[str, Any] | None = None) -> Order:
        return Order(
            name=name,
            role=name.rpartition("-")[0],
            settings=self._settings(servers, self.ports.get(name, 0)),
            folder=str(self.folder),
            sabotage=self.sabotage,
            task=dict(task or {}),
        )

    def _settings(self, servers: Mapping[str, int], port: int) -> dict[str, Any]:
        broker = self.stack.broker
        urls = {vendor: f"http://{HOST}:{servers[vendor]}" for vendor in VENDORS}
        return {
            "adapters": {"persistence": "mysql", "events": broker.word, "email": ["ses"], "sms": ["twilio"],
                "payments": ["sandbox"],
            },
            "http": {"host": HOST, "port": port},
            "mysql": {
                "host": HOST, "port": servers["mysql"], "database": self.name,
                "user": "root", "password": PASSWORD, "connections": 8,
            },
            broker.word: broker.settings(servers["broker"], self.name),
            "identity": {"secret": "the secret of the office in the kill kit"},
            "encryption": {"keys": ENCRYPTION.keys.reveal()},
            "ses": {"region": REGION, "url": urls["ses"], "access_key_id": KEY_ID, "secret_access_key": KEY},
            "twilio": {"url": urls["twilio"], "account_sid": SID, "auth_token": TOKEN},
            "resilience": {"deadline_seconds": 2, "max_attempts": 2, "window_seconds": 5, "open_seconds": 1},
            "sandbox": {"book_path": str(self.folder / BOOK_FILE)},
            "payments": {"ask_after_seconds": [2, 6, 12]},
            "inventory": {"email": "stores@example.org", "phone": "+919700000000"},
            "telemetry": {"log_format": "json"},
        }  # fmt: skip

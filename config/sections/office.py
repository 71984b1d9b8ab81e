"""The settings of the fee office: what it keeps, whom it notifies, what it logs."""

from typing import Annotated, Literal

import msgspec

from config.sections.section import HttpUrl, PositiveInt, Section, check_port
from config.sections.vendors import MAX_NAME_LENGTH
from core.fees.deadlines import is_zone
from core.kernel.text import line_fault
from core.receipts.receipt import LONGEST_ISSUER


class Retention(Section, frozen=True):
    """How long the records that make repetitions harmless are kept, and what gateways have sent."""

    requests_hours: PositiveInt = 24
    """A client can repeat a request with its idempotency key for this long."""
    inbox_days: PositiveInt = 14
    """Must be longer than the broker keeps messages."""
    webhooks_days: PositiveInt = 90
    """The encrypted bytes of webhooks of payment gateways, which can name a payer, are kept for this long."""


class Notifications(Section, frozen=True):
    """How long messages are tried, and the reconciliation of deliveries whose outcome is unknown."""

    expire_after_hours: PositiveInt = 72
    """A message that no vendor accepted by then expires; one with a deadline expires with it, if that is sooner."""
    resend_after_minutes: PositiveInt = 60
    """A delivery that is not on the vendor's list of messages by then is sent again."""
    manual_review_after_hours: PositiveInt = 24
    """A delivery that no vendor can settle by then is left to a person: `bursar deliveries list`."""


class Students(Section, frozen=True):
    """The roster."""

    country: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}\Z")] = "IN"
    """ISO 3166-1: the country of telephone numbers without a country code, in rows that name none."""


class Inventory(Section, frozen=True):
    """The inventory staff, which is notified of shortages; without an address there is no notification."""

    name: str = "The stores"
    """The name in the notice."""
    email: str = ""
    """One mailbox, without a name: stores@example.org."""
    phone: str = ""
    """A number that receives text messages: +919876543210, or without the code of `students.country`."""
    language: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2}$")] = "en"
    """ISO 639-1: the language of the notifications."""
    zone: str = "Asia/Kolkata"
    """The IANA time zone that decides which day an arrival date is."""

    def __post_init__(self) -> None:
        if fault := line_fault(self.name, MAX_NAME_LENGTH):
            raise ValueError(f"inventory.name {fault}")
        if not is_zone(self.zone):
            raise ValueError(f"inventory.zone ({self.zone}) is no IANA time zone, as in Asia/Kolkata")


class Receipts(Section, frozen=True):
    """How receipts are numbered, and what is printed on them."""

    series: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{1,8}\Z")] = "R"
    """Begins the number; each series and financial year counts from 1."""
    year_begins_in: Annotated[int, msgspec.Meta(ge=1, le=12)] = 4
    """The first month of the financial year."""
    zone: str = "Asia/Kolkata"
    """The IANA time zone that decides which year a payment belongs to."""
    issuer: str = "Examination Fee Office"
    """The name of the office on the paper."""

    def __post_init__(self) -> None:
        if fault := line_fault(self.issuer, LONGEST_ISSUER):
            raise ValueError(f"receipts.issuer {fault}")
        if not is_zone(self.zone):
            raise ValueError(f"receipts.zone ({self.zone}) is no IANA time zone, as in Asia/Kolkata")


class Traces(Section, frozen=True):
    """OpenTelemetry traces; they need the extra `traces` (`pip install 'bursar[traces]'`)."""

    endpoint: HttpUrl = ""
    """The base URL of a collector that takes OTLP over HTTP, as in http://localhost:4318; empty: no spans."""
    sampling_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01
    """The part of the requests without a `traceparent` whose trace is recorded; the others follow their caller."""

    def __post_init__(self) -> None:
        check_port(self.endpoint, "telemetry.traces.endpoint")


class Telemetry(Section, frozen=True):
    """Logs and traces, and the address of metrics."""

    log_format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"
    """Lines below this level are not written."""
    traces: Traces = Traces()
    metrics_address: Annotated[str, msgspec.Meta(pattern=r"^(\S+:[0-9]{1,5})?\Z")] = ""
    """`host:port` that answers `/metrics` and `/health/…` of this process, also without `http` in `serve`, and of all
    workers of `http.workers`; empty: only HTTP answers them."""

    def __post_init__(self) -> None:
        port = self.metrics_address.rpartition(":")[2]
        if port and not 0 < int(port) < 65_536:
            raise ValueError(f"metrics_address ({self.metrics_address}) has the port {port}, which does not exist")

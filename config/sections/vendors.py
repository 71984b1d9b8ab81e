"""The settings of vendors of e-mail and SMS, and of the resilience around them."""

import re
from typing import Annotated, Literal

import msgspec

from config.sections.gateways import check_webhook_secret
from config.sections.section import NON_EMPTY, HttpUrl, Percent, Port, PositiveInt, Seconds, Secret, Section, check_port

MAX_NAME_LENGTH = 120
TWILIO_SENDER_PATTERN = re.compile(
    r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|MG[0-9a-fA-F]{32}"
    r"|(?=[^A-Za-z]*[A-Za-z])(?! )[A-Za-z0-9 +_&-]{1,11}(?<! )"
)
"""https://www.twilio.com/docs/messaging/api/alphasender-resource has the characters of an alphanumeric id."""


class Smtp(Section, frozen=True):
    """A mail server."""

    host: Annotated[str, NON_EMPTY] = "localhost"
    port: Port = 587
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    ca_file: str = ""
    """The file of a certificate authority that is trusted in addition to those of the system."""
    user: str = ""
    password: Secret = msgspec.field(default_factory=Secret)
    sender: str = "Fee Office <fees@example.org>"
    """One mailbox, with or without a name in front of it."""
    connections: PositiveInt = 4
    """The most connections of one process, and so the most messages in flight."""
    connect_seconds: Seconds = 10.0
    """The limit for the connection, and again for the greeting."""
    command_seconds: Seconds = 30.0
    """The limit for the answer to one command; until the server asks for the message, no answer means not sent."""
    reply_seconds: Seconds = 600.0
    """The limit for the answer to the whole message (RFC 5321, 4.5.3.2.6); after it the outcome is unknown."""

    @property
    def offer_seconds(self) -> float:
        """Return the limit for everything before the server asks for the message."""
        return 2 * self.connect_seconds + 4 * self.command_seconds

    @property
    def deadline_seconds(self) -> float:
        """Return a duration that no message exceeds: the limits of its parts apply before it."""
        return self.offer_seconds + self.reply_seconds + 1


class Ses(Section, frozen=True):
    """Amazon SES, version 2 of its API."""

    region: str = "ap-south-1"
    url: HttpUrl = ""
    """Replaces the address of the region."""
    access_key_id: str = ""
    secret_access_key: Secret = msgspec.field(default_factory=Secret)
    sender: str = "Fee Office <fees@example.org>"
    """One mailbox, with or without a name in front of it."""

    def __post_init__(self) -> None:
        check_port(self.url, "ses.url")

    @property
    def address(self) -> str:
        """Return the base URL of the API."""
        return self.url or f"https://email.{self.region}.amazonaws.com"


class Twilio(Section, frozen=True):
    """Twilio's Programmable Messaging."""

    url: Annotated[HttpUrl, NON_EMPTY] = "https://api.twilio.com"
    account_sid: str = ""
    auth_token: Secret = msgspec.field(default_factory=Secret)
    secondary_auth_token: Secret = msgspec.field(default_factory=Secret)
    """While tokens are rotated: status reports that are signed with it are valid, too."""
    sender: str = "+15005550006"
    """A number in E.164, a short code, an alphanumeric sender id, or the SID of a messaging service."""

    def __post_init__(self) -> None:
        check_port(self.url, "twilio.url")
        if not TWILIO_SENDER_PATTERN.fullmatch(self.sender):
            raise ValueError(
                f"twilio.sender ({self.sender[:40]!r}) is no number in E.164, as in +919876543210; no short code; not"
                " up to 11 letters, digits and spaces with at least one letter; and no messaging service, MG and"
                " 32 hexadecimal digits"
            )


class Sandbox(Section, frozen=True):
    """A simulated vendor that appends accepted messages to a file, and a simulated payment gateway with its book."""

    record_path: Annotated[str, NON_EMPTY] = "bursar-sandbox.jsonl"
    failure_percent: Percent = 0
    """The share of messages that are refused as unavailable."""
    book_path: Annotated[str, NON_EMPTY] = "bursar-payments.jsonl"
    """The book of the payment gateway; all processes share it."""
    webhook_secret: Secret = msgspec.field(default_factory=Secret)
    """Signs the webhooks of the payment gateway: `whsec_` and Base64; empty: a secret that is drawn in the book."""
    secondary_webhook_secret: Secret = msgspec.field(default_factory=Secret)
    """While secrets are rotated: webhooks that are signed with it are valid, too."""

    def __post_init__(self) -> None:
        check_webhook_secret("sandbox.webhook_secret", self.webhook_secret)
        check_webhook_secret("sandbox.secondary_webhook_secret", self.secondary_webhook_secret)


class Resilience(Section, frozen=True):
    """The limits of calls to one vendor."""

    deadline_seconds: Seconds = 10.0
    """One call may take this long; afterwards its outcome is unknown. SMTP has limits of its own."""
    max_in_flight: PositiveInt = 32
    """Concurrent deliveries to one vendor."""
    ramp_seconds: Seconds = 1.0
    """After the breaker closes, the limit starts at one delivery and doubles at most once in this time."""
    max_attempts: PositiveInt = 3
    """Calls per delivery before it goes back to the queue."""
    retry_base_seconds: Seconds = 0.2
    """The upper bound of the random wait before the first retry; it doubles with each further retry."""
    retry_budget_percent: Percent = 20
    """The most retries, as a percentage of the calls of the last `window_seconds`."""
    window_seconds: Seconds = 30.0
    """The period over which calls and failures are counted."""
    failure_percent: Percent = 50
    """The breaker opens at this failure rate, once `minimum_calls` were made in the window."""
    minimum_calls: PositiveInt = 10
    slow_seconds: Seconds = 5.0
    """A slower answer is used, but counts as a failure of the vendor."""
    open_seconds: Seconds = 15.0
    """An open breaker admits one probe after this time."""
    account_hold_seconds: Seconds = 60.0
    """After a vendor refused our account or sender, one message probes it after this time; the others wait."""

"""Everything an operator may change, read once, checked once."""

import os
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_origin, get_type_hints

import msgspec

from core.fees.deadlines import is_zone
from core.kernel.errors import Invalid
from core.notifications.address_validation import E164_PATTERN, MAILBOX_PATTERN, MAX_MAILBOX_CHARACTERS

NON_EMPTY = msgspec.Meta(min_length=1)
PositiveInt = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Mailbox = Annotated[str, msgspec.Meta(pattern=r"^[^@<>\s]+@[^@<>\s]+$|^[^<>\r\n]+ <[^@<>\s]+@[^@<>\s]+>$")]
"""`fees@example.org` or `Fee Office <fees@example.org>`."""


class Misconfigured(Invalid):
    """The configuration cannot be used; the text names the path of the bad value."""

    problem = "misconfigured"


class Secret:
    """A value that neither logs nor tracebacks show."""

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, for whoever must present it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)" if self._value else "Secret()"


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the configuration; a misspelt word is an error, not a silence."""


class Adapters(Section, frozen=True):
    """Who stands behind each port.  Change a word here to change a vendor."""

    persistence: Literal["mysql", "sqlite", "memory"] = "sqlite"
    commits: Literal["grouped", "single"] = "grouped"
    """Whether units of work that wait at the same moment share a transaction."""
    events: Literal["kafka", "embedded"] = "embedded"
    email: Annotated[tuple[Literal["ses", "smtp", "console", "sandbox"], ...], NON_EMPTY] = ("console",)
    """The first is primary, the rest take over."""
    sms: Annotated[tuple[Literal["twilio", "console", "sandbox"], ...], NON_EMPTY] = ("console",)
    cache: Literal["redis", "memory"] = "memory"


class Http(Section, frozen=True):
    """The HTTP API."""

    host: str = "127.0.0.1"
    port: Port = 8000
    workers: PositiveInt = 1
    """Processes that answer on this address; what else is served has one more, which they share."""
    shared: bool = False
    """Whether other processes of ours listen on this address, too: the kernel divides new connections among them."""
    public_url: Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s/?#@:]+(:\d+)?(/[^\s?#]*)?)?$")] = ""
    """Where vendors reach us to report, as in https://fees.example.org; without it they report nothing."""


class Admission(Section, frozen=True):
    """How a flood of submissions is met."""

    most: PositiveInt = 320
    """Submissions inside one process at a time; whoever comes beyond that is told at once when to come again."""
    grace_seconds: Seconds = 900.0
    """Whom we turned away may come again for so long as if it were then: deadlines are judged by his first arrival."""
    secret: Secret = msgspec.field(default_factory=Secret)
    """Signs that arrival: the same for every process on one database, at least 32 characters."""

    def __post_init__(self) -> None:
        if 0 < len(self.secret.reveal()) < 32:
            raise ValueError("admission.secret needs at least 32 characters")


class MySQL(Section, frozen=True):
    """The database server.  Accounts are granted what they need: see deploy/."""

    host: str = "localhost"
    port: Port = 3306
    database: str = "bursar"
    user: str = "bursar"
    password: Secret = msgspec.field(default_factory=Secret)
    connections: PositiveInt = 16


class SQLite(Section, frozen=True):
    """The database file."""

    path: str = "bursar.db"


class Kafka(Section, frozen=True):
    """The broker."""

    bootstrap: Annotated[str, msgspec.Meta(pattern=r"^[^\s,]+:\d{1,5}(,[^\s,]+:\d{1,5})*$")] = "localhost:9092"
    topic_prefix: str = ""
    group: str = "bursar"
    partitions: PositiveInt = 12
    replicas: PositiveInt = 1
    commands_days: PositiveInt = 7
    """How long the broker keeps commands, and so may deliver them again."""
    events_days: PositiveInt = 12
    """The same for events; our own log of them is kept for ever."""


class Retention(Section, frozen=True):
    """How long we remember what came to us."""

    requests_hours: PositiveInt = 24
    """A client may repeat a request with its idempotency key for so long."""
    inbox_days: PositiveInt = 14
    """Longer than any message may be delivered again."""


class Notifications(Section, frozen=True):
    """What is done about messages of which nobody knows whether they were sent."""

    absent_after_minutes: PositiveInt = 60
    """By then a vendor's list shows all it took: what is not on it is sent again."""
    person_after_hours: PositiveInt = 24
    """What no vendor can settle by then is left to a person: `bursar deliveries list`."""


class Stores(Section, frozen=True):
    """Who is in charge of the stores, and is told what they lack; without an address nobody is."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,120}$")] = "The stores"
    email: str = ""
    """One mailbox, without a name: stores@example.org."""
    phone: str = ""
    """E.164: +919876543210."""
    language: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2}$")] = "en"
    """ISO 639-1: what we write to them in."""
    zone: str = "Asia/Kolkata"
    """The IANA time zone by whose calendar they work."""

    def __post_init__(self) -> None:
        if self.email and (len(self.email) > MAX_MAILBOX_CHARACTERS or not MAILBOX_PATTERN.fullmatch(self.email)):
            raise ValueError("stores.email is one mailbox without a name, as in stores@example.org, or empty")
        if self.phone and not E164_PATTERN.fullmatch(self.phone):
            raise ValueError("stores.phone is a number in E.164, as in +919876543210, or empty")
        if not is_zone(self.zone):
            raise ValueError(f"stores.zone ({self.zone}) is no IANA time zone, as in Asia/Kolkata")


class Redis(Section, frozen=True):
    """The shared cache."""

    url: Secret = msgspec.field(default_factory=lambda: Secret("redis://localhost:6379/0"))
    prefix: str = "bursar:"
    """In front of every key, so that several fee offices may share one server."""


class Smtp(Section, frozen=True):
    """Any mail server."""

    host: str = "localhost"
    port: Port = 587
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    ca_file: str = ""
    """A certificate authority to trust besides the machine's own."""
    user: str = ""
    password: Secret = msgspec.field(default_factory=Secret)
    sender: Mailbox = "Fee Office <fees@example.org>"
    connections: PositiveInt = 4


class Ses(Section, frozen=True):
    """Amazon SES, version 2 of its API."""

    region: str = "ap-south-1"
    url: str = ""
    """Where to reach it, when not at the region's own address."""
    access_key_id: str = ""
    secret_access_key: Secret = msgspec.field(default_factory=Secret)
    sender: Mailbox = "Fee Office <fees@example.org>"

    @property
    def address(self) -> str:
        """Return where it is reached."""
        return self.url or f"https://email.{self.region}.amazonaws.com"


class Twilio(Section, frozen=True):
    """Twilio's Programmable Messaging."""

    url: str = "https://api.twilio.com"
    account_sid: str = ""
    auth_token: Secret = msgspec.field(default_factory=Secret)
    sender: str = "+15005550006"


class Sandbox(Section, frozen=True):
    """A pretended vendor with a record of its own."""

    record: str = "bursar-sandbox.jsonl"
    failing_percent: Percent = 0
    """How many of a hundred calls it refuses as if it were overloaded."""


class Resilience(Section, frozen=True):
    """How much trouble of a vendor we put up with."""

    deadline_seconds: Seconds = 10.0
    """One call may take this long; afterwards its outcome is unknown."""
    concurrency: PositiveInt = 32
    """Deliveries in hand for one vendor at a time."""
    ramp_seconds: Seconds = 1.0
    """After a rest one delivery is in hand, and at most twice as many each time so long has passed."""
    tries: PositiveInt = 3
    """Calls per delivery before it goes back to the queue."""
    retry_base_seconds: Seconds = 0.2
    retry_budget_percent: Percent = 20
    """Retries may add this much to the calls of the last `window_seconds`."""
    window_seconds: Seconds = 30.0
    failure_percent: Percent = 50
    """The breaker opens at this failure rate…"""
    minimum_calls: PositiveInt = 10
    """…once it has seen this many calls in the window."""
    slow_seconds: Seconds = 5.0
    """An answer that takes longer counts as a failure of the vendor; it is an answer all the same."""
    open_seconds: Seconds = 15.0
    """An open breaker lets one probe through after this long."""


class Telemetry(Section, frozen=True):
    """What the process says about itself."""

    logs: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Section, frozen=True):
    """The whole configuration of one process."""

    serve: tuple[Literal["http", "consumer", "relay", "dispatcher", "scheduler"], ...] = (
        "http",
        "consumer",
        "relay",
        "dispatcher",
        "scheduler",
    )
    provision: bool = False
    """Create the schema, and load the shipped schedules and roster, when the database is empty."""
    adapters: Adapters = Adapters()
    http: Http = Http()
    admission: Admission = Admission()
    mysql: MySQL = MySQL()
    sqlite: SQLite = SQLite()
    kafka: Kafka = Kafka()
    retention: Retention = Retention()
    notifications: Notifications = Notifications()
    stores: Stores = Stores()
    redis: Redis = Redis()
    smtp: Smtp = Smtp()
    ses: Ses = Ses()
    twilio: Twilio = Twilio()
    sandbox: Sandbox = Sandbox()
    resilience: Resilience = Resilience()
    telemetry: Telemetry = Telemetry()

    def __post_init__(self) -> None:
        listed = {"serve": self.serve, "adapters.email": self.adapters.email, "adapters.sms": self.adapters.sms}
        for path, names in listed.items():
            if twice := [name for name, count in Counter(names).items() if count > 1]:
                raise ValueError(f"{twice[0]} is named twice - at `$.{path}`")
        if self.http.workers > 1 and self.adapters.persistence != "mysql":
            raise ValueError(
                f"http.workers ({self.http.workers}) need a database that processes can share, and"
                f" {self.adapters.persistence} is for one: set adapters.persistence to mysql, or http.workers to 1"
            )
        for name, kept in ("commands_days", self.kafka.commands_days), ("events_days", self.kafka.events_days):
            if self.retention.inbox_days <= kept + 1:
                raise ValueError(
                    f"retention.inbox_days ({self.retention.inbox_days}) must be more than kafka.{name} ({kept}) and"
                    " the day until the broker forgets: a message that comes again after that takes effect twice"
                )


def load(
    path: Path, environ: Mapping[str, str] = os.environ, changes: Mapping[str, Any] = MappingProxyType({})
) -> Settings:
    """Read a TOML file, let `BURSAR__SECTION__KEY` and then `changes` override it, and check the lot.

    `BURSAR__SECTION__KEY_FILE` names a file that holds the value: a mounted secret.
    """
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:  # not there, not TOML, not UTF-8
        raise Misconfigured(f"{path}: {error}") from error
    for name, value in environ.items():
        if name.startswith("BURSAR__"):
            apply_environment(document, name, value)
    for name, change in changes.items():
        document[name] = document.get(name, {}) | change if isinstance(change, Mapping) else change
    return validate(document, str(path))


def validate(document: Mapping[str, Any], source: str) -> Settings:
    """Turn a document into settings, or raise `Misconfigured` with the path of what is wrong."""
    try:
        return msgspec.convert(document, Settings, strict=False, dec_hook=lambda _, value: Secret(str(value)))
    except msgspec.ValidationError as error:
        raise Misconfigured(f"{source}: {error}") from error


def apply_environment(document: dict[str, Any], name: str, value: str) -> None:
    """Put one variable of the environment where its name says."""
    *sections, key = name.lower().split("__")[1:]
    place: dict[str, Any] = document
    kind: Any = Settings
    for section in sections:
        place, kind = place.setdefault(section, {}), get_type_hints(kind).get(section, Section)
    if key.endswith("_file") and key not in get_type_hints(kind):
        key, value = key.removesuffix("_file"), read_mounted_file(name, value)
    words = get_type_hints(kind)
    if key not in words:
        raise Misconfigured(f"{name}: there is no such setting; here one of {', '.join(sorted(words))} can be set")
    place[key] = value.split(",") if get_origin(words[key]) is tuple else value


def read_mounted_file(name: str, path: str) -> str:
    """Read a value from the file that a variable names."""
    try:
        return Path(path).read_text().strip()
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{name}: {error}") from error

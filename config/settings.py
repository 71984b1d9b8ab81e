"""The settings of a process: every value an operator can change, with its default and its limits."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from core.fees.deadlines import is_zone
from core.identity.signing_key import MAX_ACCESS_MINUTES
from core.kernel.encryption import read_keys
from core.kernel.errors import Invalid
from core.kernel.text import line_fault

MAX_NAME_LENGTH = 120
NON_EMPTY = msgspec.Meta(min_length=1)
PositiveInt = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Permits = Annotated[int, msgspec.Meta(ge=1, le=100_000_000)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]

TWILIO_SENDER_PATTERN = re.compile(
    r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|MG[0-9a-fA-F]{32}"
    r"|(?=[^A-Za-z]*[A-Za-z])(?! )[A-Za-z0-9 +_&-]{1,11}(?<! )"
)
"""https://www.twilio.com/docs/messaging/api/alphasender-resource has the characters of an alphanumeric id."""
HttpUrl = Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s/?#@:]+(:[0-9]{1,5})?(/[^\s?#]*)?)?\Z")]

MAX_ISSUER_LENGTH = 200
ProviderName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9]{0,31}\Z")]
KNOWN_ISSUERS: Mapping[str, str] = {
    "google": "https://accounts.google.com",
    "microsoft": "https://login.microsoftonline.com/{tenantid}/v2.0",
}
"""The second is the issuer of every tenant, each of which is an issuer of its own."""


class Misconfigured(Invalid):
    """The configuration cannot be used; the text names the path of the bad value."""

    problem = "misconfigured"


class Secret:
    """A value that neither logs nor tracebacks show."""

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, for the adapter that presents it to a server."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)" if self._value else "Secret()"


def check_port(url: str, setting: str) -> None:
    """Raise `ValueError` unless the port of a URL exists."""
    port = url.partition("://")[2].partition("/")[0].partition(":")[2]
    if port and not 0 < int(port) < 65_536:
        raise ValueError(f"{setting} ({url}) has the port {port}, which does not exist")


def check_encrypted(url: str, setting: str) -> None:
    """Raise `ValueError` unless a URL is encrypted, or on this machine, and its port exists."""
    check_port(url, setting)
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError(f"{setting} ({url}) is not https, which only an address of this machine may do without")


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the configuration; an unknown key is an error."""


class Adapters(Section, frozen=True):
    """The adapter behind each port."""

    persistence: Literal["mysql", "sqlite", "memory"] = "sqlite"
    """Where rows are stored; `memory` loses them when the process ends."""
    commits: Literal["grouped", "single"] = "grouped"
    """`grouped`: units of work that commit at the same moment share a transaction."""
    events: Literal["kafka", "embedded"] = "embedded"
    """How events reach consumers; `embedded` delivers them inside the process, without a broker."""
    email: Annotated[tuple[Literal["ses", "smtp", "console", "sandbox"], ...], NON_EMPTY] = ("console",)
    """The first is primary; the next takes over while it is unavailable."""
    sms: Annotated[tuple[Literal["twilio", "console", "sandbox"], ...], NON_EMPTY] = ("console",)
    """Vendors of SMS: the first is primary, the others take over in this order."""
    cache: Literal["redis", "memory"] = "memory"
    """Where processes share which schedule version is in force, and count the requests of rate limits."""
    audit_anchors: Literal["kafka", "file", "none"] = "none"
    """Where heads of the audit chain go, out of reach of the database's administrator; `none`: nowhere."""


class Http(Section, frozen=True):
    """The HTTP API."""

    host: Annotated[str, NON_EMPTY] = "127.0.0.1"
    """The address that HTTP listens on."""
    port: Port = 8000
    """0 selects a free port."""
    workers: PositiveInt = 1
    """Processes that answer on this address; one more process runs the other transports of `serve`."""
    reuse_port: bool = False
    """Other Bursar processes may listen on this address (`SO_REUSEPORT`); the kernel divides new connections."""
    max_connections: PositiveInt = 800
    """Open connections of one process; at the limit the one that waits longest for its client makes room."""
    max_head_bytes: PositiveInt = 32_768
    """The request line and the headers of one request; larger ones are answered 431."""
    max_headers: PositiveInt = 100
    """Headers of one request."""
    max_bytes_under_way: PositiveInt = 33_554_432
    """Bytes of incomplete bodies in one process; beyond them the slowest of the large uploads is answered 408."""
    head_seconds: Seconds = 10.0
    """The time for a client to send the head of a request."""
    body_seconds: Seconds = 30.0
    """The time in which a client sends no part of a body, or less than 500 bytes a second."""
    keep_alive_seconds: Seconds = 75.0
    """The time between two requests of a connection: longer than proxies keep theirs (nginx and AWS: 60 s)."""
    trusted_proxies: Annotated[int, msgspec.Meta(ge=0, le=16)] = 0
    """The exact number of proxies that each request passes, all of which add to `X-Forwarded-For`: more than there are
    let clients choose the address that limits count by, fewer limit a proxy instead of its clients."""
    public_url: HttpUrl = ""
    """The address that vendors send status reports to, as in https://fees.example.org; empty: no reports."""

    def __post_init__(self) -> None:
        check_port(self.public_url, "http.public_url")


class OpenIdProvider(Section, frozen=True, kw_only=True):
    """An identity provider; its redirect URI is `<public_url>/v1/sign-in/<name>/callback`."""

    issuer: HttpUrl = ""
    """Where `/.well-known/openid-configuration` is; empty for `google` and `microsoft`, whose issuers are known."""
    client_id: Annotated[str, NON_EMPTY]
    """What the provider calls this installation."""
    client_secret: Secret
    """The secret that it shares with the provider."""
    scopes: Annotated[tuple[str, ...], NON_EMPTY] = ("openid", "email", "profile")
    """What is asked for; `openid` is among them."""

    def __post_init__(self) -> None:
        if not self.client_secret.reveal():
            raise ValueError("client_secret is empty: the provider gives it; set BURSAR__OIDC__<NAME>__CLIENT_SECRET")
        if "openid" not in self.scopes:
            raise ValueError("scopes need `openid`: without it the provider does not say who signs in")
        if len(self.issuer) > MAX_ISSUER_LENGTH:
            raise ValueError(f"issuer has more than {MAX_ISSUER_LENGTH} characters")
        if self.issuer:
            check_encrypted(self.issuer, "issuer")


def check_secret(name: str, secret: Secret) -> None:
    """Raise `ValueError` for a secret that is short, or that everyone can read in an example."""
    if 0 < len(secret.reveal()) < 32:
        raise ValueError(f"{name} needs at least 32 characters")
    if "only-for-development" in secret.reveal():
        raise ValueError(f"{name} is a published example: set 32 or more random characters of your own")


class Admission(Section, frozen=True):
    """Admission control of submissions."""

    max_in_flight: PositiveInt = 320
    """Concurrent submissions of one process; more are answered 503 with `Retry-After`."""
    grace_seconds: Seconds = 900.0
    """A repeated submission is judged by the time of its first arrival for this long after the 503."""
    secret: Secret = msgspec.field(default_factory=Secret)
    """Signs the first arrival: at least 32 characters, the same for every process on one database."""

    def __post_init__(self) -> None:
        check_secret("admission.secret", self.secret)


class Limits(Section, frozen=True):
    """Rate limits: more requests are answered 429 with `Retry-After`; those of IPv6 are counted by /64."""

    requests_per_minute: Permits = 60_000
    """Of one account or API key, without one of one address: everything without a limit of its own."""
    submissions_per_minute: Permits = 60_000
    """Submissions of exam fees of one account or API key."""
    sign_ins_per_minute: Permits = 6_000
    """Attempts to sign in, right or wrong, from one address: an office can have one for all."""
    refreshes_per_minute: Permits = 60_000
    """Exchanges of refresh tokens from one address."""
    codes_per_minute: Permits = 600
    """One-time codes that are requested or entered, from one address."""
    codes_per_registration: Permits = 10
    """One-time codes that are requested for one registration in 15 minutes, from whatever addresses."""
    unused_codes_per_address: Permits = 100
    """One-time codes that are requested from one address in 15 minutes, for whatever registrations, and not used."""
    wrong_passwords: Permits = 10
    """For one account from one address in 15 minutes; from other addresses the account can still sign in."""
    wrong_passwords_per_address: Permits = 100
    """From one address in 15 minutes, for whatever accounts; signing in does not count."""
    unknown_keys_per_address: Permits = 600
    """API keys that do not exist, from one address in a minute: each costs a query."""


class EncryptedSection(Section, frozen=True):
    """A server whose connections can be encrypted."""

    tls: Literal["none", "unverified", "verified"] = "none"
    """`verified` checks the certificate and the host name; `unverified` encrypts without knowing the server."""
    ca_file: str = ""
    """A PEM file of authorities that are trusted in addition to those of the system."""
    certificate_file: str = ""
    """The PEM file of the client's own certificate, for servers that require one."""
    key_file: str = ""
    """The PEM file of its key; empty if `certificate_file` contains it."""

    def __post_init__(self) -> None:
        if self.tls == "none" and (named := self.ca_file or self.certificate_file or self.key_file):
            raise ValueError(f"{named} is without effect while tls is none: set tls to verified, or remove the file")
        if self.tls == "unverified" and self.ca_file:
            raise ValueError(f"{self.ca_file} is without effect while tls is unverified: set tls to verified")
        if self.key_file and not self.certificate_file:
            raise ValueError(f"key_file ({self.key_file}) needs certificate_file")


class MySQL(EncryptedSection, frozen=True):
    """The database server; deploy/grants.sql lists the privileges of its accounts."""

    host: Annotated[str, NON_EMPTY] = "localhost"
    port: Port = 3306
    database: str = "bursar"
    user: str = "bursar"
    password: Secret = msgspec.field(default_factory=Secret)
    connections: PositiveInt = 16
    """The most connections of one process."""
    connection_seconds: Seconds = 300.0
    """A connection is replaced at this age, so that a changed name or proxy is followed."""


class SQLite(Section, frozen=True):
    """The SQLite database."""

    path: Annotated[str, NON_EMPTY] = "bursar.db"
    """The file, relative to the working directory."""


class Kafka(EncryptedSection, frozen=True):
    """The Kafka broker."""

    bootstrap: Annotated[str, msgspec.Meta(pattern=r"^[^\s,]+:\d{1,5}(,[^\s,]+:\d{1,5})*$")] = "localhost:9092"
    """Host and port of one or more brokers, separated by commas."""
    sasl: Literal["none", "plain", "scram-sha-256", "scram-sha-512"] = "none"
    """How the client signs in; `plain` sends the password itself and needs tls."""
    user: str = ""
    password: Secret = msgspec.field(default_factory=Secret)
    topic_prefix: str = ""
    """In front of every topic name."""
    group: str = "bursar"
    """The consumer group of every consumer process."""
    partitions: PositiveInt = 12
    """Partitions of each topic that `bursar topics` creates."""
    replicas: PositiveInt = 1
    """Replicas of each topic that `bursar topics` creates."""
    commands_days: PositiveInt = 7
    """How long the broker keeps commands, and may deliver them again."""
    events_days: PositiveInt = 12
    """How long the broker keeps events; the event log in the database is never deleted."""

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [bool(self.sasl != "none"), bool(self.user), bool(self.password.reveal())]
        if any(given) and not all(given):
            raise ValueError("sasl, user and password are set together, or not at all")
        if self.sasl == "plain" and self.tls == "none":
            raise ValueError("sasl plain would send the password unencrypted: set tls, or use scram-sha-512")


class Encryption(Section, frozen=True):
    """The keys that encrypt personal data in the database."""

    keys: Secret = msgspec.field(default_factory=Secret)
    """One a line, the current one first, then those that `bursar encryption rotate` has not replaced yet."""

    def __post_init__(self) -> None:
        try:
            self.by_number()
        except ValueError as error:
            raise ValueError(f"encryption.keys: {error}") from None

    def by_number(self) -> Mapping[int, bytes]:
        """Return the keys by number, the current one first."""
        return read_keys(self.keys.reveal())


class Retention(Section, frozen=True):
    """How long the records that make repetitions harmless are kept."""

    requests_hours: PositiveInt = 24
    """A client can repeat a request with its idempotency key for this long."""
    inbox_days: PositiveInt = 14
    """Must be longer than the broker keeps messages."""


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


class Identity(Section, frozen=True):
    """Accounts, their credentials and their sessions."""

    secret: Secret = msgspec.field(default_factory=Secret)
    """Encrypts signing keys and marks refresh tokens: at least 32 characters, the same for every process on one
    database. With SQLite an empty one is made at the first start, in a file beside the database."""
    issuer: Annotated[str, NON_EMPTY] = "bursar"
    """The claim `iss` of access tokens: the URL of this installation, where other programs verify them."""
    audience: Annotated[str, NON_EMPTY] = "bursar"
    """The claim `aud` of access tokens."""
    access_minutes: Annotated[int, msgspec.Meta(ge=1, le=MAX_ACCESS_MINUTES)] = 15
    """Access tokens expire after this time."""
    refresh_days: Annotated[int, msgspec.Meta(ge=1, le=30)] = 7
    """A session expires when it is not refreshed for this time."""

    max_api_key_days: Annotated[int, msgspec.Meta(ge=1, le=3_650)] = 365
    """The longest validity of a new API key."""
    key_file: str = ""
    """Where `provision` writes the API key of the first administrator; empty: beside the SQLite file, as bursar.key."""

    def __post_init__(self) -> None:
        check_secret("identity.secret", self.secret)


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


class Audit(Section, frozen=True):
    """The published heads of the audit chain."""

    path: Annotated[str, NON_EMPTY] = "bursar-audit-heads.jsonl"
    """The file of `adapters.audit_anchors = "file"`, on a disk that the database's administrator cannot write."""
    secret: Secret = msgspec.field(default_factory=Secret)
    """Signs the heads, and hashes what refused requests named: at least 32 characters, the same for every process,
    unknown to the database's administrator."""

    def __post_init__(self) -> None:
        check_secret("audit.secret", self.secret)


class Redis(Section, frozen=True):
    """The shared cache and rate limits."""

    url: Secret = msgspec.field(default_factory=lambda: Secret("redis://localhost:6379/0"))
    """`redis://user:password@host:6379/0`, encrypted as `rediss://…`; a secret, because it can contain a password."""
    ca_file: str = ""
    """A PEM file of the authorities that `rediss` trusts instead of those of the system."""
    prefix: str = "bursar:"
    """Begins every key, so that several deployments can share one server."""

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url.reveal())
            usable = parts.scheme in ("redis", "rediss") and parts.hostname and parts.port != 0
            usable = usable and re.fullmatch(r"/?\d{0,3}", parts.path) and not parts.query and not parts.fragment
        except ValueError:
            usable = False
        if not usable:  # without the URL and its cause, which contain the password
            raise ValueError(
                "url is redis://user:password@host:6379/0, or rediss://… for TLS; in user and password,"
                " / ? # @ and % are percent-encoded"
            ) from None
        if self.ca_file and parts.scheme != "rediss":
            raise ValueError(f"ca_file ({self.ca_file}) is without effect while url is not rediss://…")


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
    """A simulated vendor that appends accepted messages to a file."""

    record_path: Annotated[str, NON_EMPTY] = "bursar-sandbox.jsonl"
    failure_percent: Percent = 0
    """The share of calls that are refused as unavailable."""


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


class Telemetry(Section, frozen=True):
    """Logging."""

    log_format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"
    """Lines below this level are not written."""


class Settings(Section, frozen=True):
    """The whole configuration of one process."""

    serve: tuple[Literal["http", "consumer", "relay", "dispatcher", "scheduler"], ...] = (
        "http",
        "consumer",
        "relay",
        "dispatcher",
        "scheduler",
    )
    """The transports that this process runs."""
    provision: bool = False
    """Create the schema and, in an empty database, load the sample data of config/data and create an administrator."""
    adapters: Adapters = Adapters()
    http: Http = Http()
    admission: Admission = Admission()
    limits: Limits = Limits()
    oidc: dict[ProviderName, OpenIdProvider] = msgspec.field(default_factory=dict)
    """Identity providers by the names in their URLs: `google`, `microsoft`, `keycloak`, or another word."""
    mysql: MySQL = MySQL()
    sqlite: SQLite = SQLite()
    kafka: Kafka = Kafka()
    encryption: Encryption = Encryption()
    retention: Retention = Retention()
    notifications: Notifications = Notifications()
    students: Students = Students()
    identity: Identity = Identity()
    inventory: Inventory = Inventory()
    audit: Audit = Audit()
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
        self._check_providers()
        if self.http.workers > 1 and self.adapters.persistence != "mysql":
            raise ValueError(
                f"http.workers ({self.http.workers}) need a database that processes can share, and"
                f" {self.adapters.persistence} is for one: set adapters.persistence to mysql, or http.workers to 1"
            )
        for name, kept in ("commands_days", self.kafka.commands_days), ("events_days", self.kafka.events_days):
            if self.retention.inbox_days <= kept + 1:
                raise ValueError(
                    f"retention.inbox_days ({self.retention.inbox_days}) must be more than kafka.{name} ({kept}) and"
                    " the day until the broker deletes: a message delivered again after that takes effect twice"
                )

    def _check_providers(self) -> None:
        """Raise `ValueError` if an identity provider lacks its issuer, or the address that it sends browsers to."""
        for name, provider in self.oidc.items():
            if not provider.issuer and name not in KNOWN_ISSUERS:
                raise ValueError(f"oidc.{name}.issuer is empty: give the URL of the provider - at `$.oidc.{name}`")
        if self.oidc and not self.http.public_url:
            raise ValueError("http.public_url is empty: identity providers send browsers back to it - at `$.http`")
        if self.oidc:
            check_encrypted(self.http.public_url, "http.public_url")

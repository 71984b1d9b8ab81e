"""The settings of a process: every value an operator can change, with its default and its limits."""

from collections import Counter
from typing import Annotated, Literal

import msgspec

from config.sections.gateways import Payments, Razorpay, Stripe
from config.sections.http import Admission, GraphQL, Http, Limits
from config.sections.identity import KNOWN_ISSUERS, Audit, Encryption, Identity, OpenIdProvider, ProviderName
from config.sections.office import Inventory, Notifications, Receipts, Retention, Students, Telemetry
from config.sections.section import NON_EMPTY, Section, check_encrypted
from config.sections.servers import Kafka, MySQL, RabbitMQ, Redis, Registry, SQLite
from config.sections.vendors import Resilience, Sandbox, Ses, Smtp, Twilio


class Adapters(Section, frozen=True):
    """The adapter behind each port."""

    persistence: Literal["mysql", "sqlite", "memory"] = "sqlite"
    """Where rows are stored; `memory` loses them when the process ends."""
    commits: Literal["grouped", "single"] = "grouped"
    """`grouped`: units of work that commit at the same moment share a transaction."""
    events: Literal["kafka", "rabbitmq", "embedded"] = "embedded"
    """How events reach consumers; `embedded` delivers them inside the process, without a broker."""
    email: Annotated[tuple[Literal["ses", "smtp", "console", "sandbox"], ...], NON_EMPTY] = ("console",)
    """The first is primary; the next takes over while it is unavailable."""
    sms: Annotated[tuple[Literal["twilio", "console", "sandbox"], ...], NON_EMPTY] = ("console",)
    """Vendors of SMS: the first is primary, the others take over in this order."""
    payments: tuple[Literal["stripe", "razorpay", "sandbox"], ...] = ()
    """Payment gateways: the first opens new orders; of the others, webhooks and refunds are served, too. None: payers
    pay at the counter."""
    cache: Literal["redis", "memory"] = "memory"
    """Where processes share which schedule version is in force, and count the requests of rate limits."""
    audit_anchors: Literal["kafka", "file", "none"] = "none"
    """Where heads of the audit chain go, out of reach of the database's administrator; `none`: nowhere."""
    registry: Literal["etcd", "consul", "none"] = "none"
    """Where processes say that they are ready, so that gateways find them; `none`: nowhere, as on Kubernetes."""


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
    graphql: GraphQL = GraphQL()
    oidc: dict[ProviderName, OpenIdProvider] = msgspec.field(default_factory=dict)
    """Identity providers by the names in their URLs: `google`, `microsoft`, `keycloak`, or another word."""
    mysql: MySQL = MySQL()
    sqlite: SQLite = SQLite()
    kafka: Kafka = Kafka()
    rabbitmq: RabbitMQ = RabbitMQ()
    encryption: Encryption = Encryption()
    retention: Retention = Retention()
    notifications: Notifications = Notifications()
    students: Students = Students()
    identity: Identity = Identity()
    inventory: Inventory = Inventory()
    receipts: Receipts = Receipts()
    audit: Audit = Audit()
    redis: Redis = Redis()
    registry: Registry = Registry()
    smtp: Smtp = Smtp()
    ses: Ses = Ses()
    twilio: Twilio = Twilio()
    payments: Payments = Payments()
    stripe: Stripe = Stripe()
    razorpay: Razorpay = Razorpay()
    sandbox: Sandbox = Sandbox()
    resilience: Resilience = Resilience()
    telemetry: Telemetry = Telemetry()

    def __post_init__(self) -> None:
        adapters = self.adapters
        listed = {
            "serve": self.serve,
            "adapters.email": adapters.email,
            "adapters.sms": adapters.sms,
            "adapters.payments": adapters.payments,
        }
        for path, names in listed.items():
            if twice := [name for name, count in Counter(names).items() if count > 1]:
                raise ValueError(f"{twice[0]} is named twice - at `$.{path}`")
        for currency, gateway in self.payments.gateway_by_currency.items():
            if gateway not in self.adapters.payments:
                raise ValueError(
                    f"payments.gateway_by_currency.{currency} ({gateway}) is no gateway of adapters.payments"
                    " - at `$.payments`"
                )
        self._check_providers()
        self._check_registry()
        if self.http.workers > 1 and self.adapters.persistence != "mysql":
            raise ValueError(
                f"http.workers ({self.http.workers}) need a database that processes can share, and"
                f" {self.adapters.persistence} is for one: set adapters.persistence to mysql, or http.workers to 1"
            )
        if self.mysql.replicas and adapters.persistence == "mysql" and adapters.cache != "redis":
            raise ValueError(
                f"mysql.replicas need adapters.cache = redis, and it is {adapters.cache}: there a process learns what a"
                " client has written in another - at `$.adapters.cache`"
            )
        kafka, rabbitmq = self.kafka, self.rabbitmq
        kept = {"kafka.commands_days": kafka.commands_days, "kafka.events_days": kafka.events_days}
        if adapters.events == "rabbitmq":
            kept = {"rabbitmq.messages_days": rabbitmq.messages_days}
        for name, days in kept.items():
            if self.retention.inbox_days <= days + 1:
                raise ValueError(
                    f"retention.inbox_days ({self.retention.inbox_days}) must be more than {name} ({days}) and"
                    " the day until the broker removes: a message delivered again after that takes effect twice"
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

    def _check_registry(self) -> None:
        """Raise `ValueError` for credentials of another registry than the chosen one."""
        given = {"etcd": self.registry.user, "consul": self.registry.token.reveal()}
        chosen = self.adapters.registry
        for kind, credential in given.items():
            if credential and chosen not in (kind, "none"):
                setting = "user" if kind == "etcd" else "token"
                raise ValueError(
                    f"registry.{setting} is of {kind}, and adapters.registry is {chosen} - at `$.registry`"
                )

"""The settings of databases, brokers and caches."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from config.sections.section import NON_EMPTY, EncryptedSection, Port, PositiveInt, Seconds, Secret, Section


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

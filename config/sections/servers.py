"""The settings of databases, brokers and caches."""

import re
from collections import Counter
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from config.sections.section import (
    NON_EMPTY,
    EncryptedSection,
    HttpUrl,
    Port,
    PositiveInt,
    Seconds,
    Secret,
    Section,
    check_encrypted,
    check_port,
)

HostAndPort = Annotated[str, msgspec.Meta(pattern=r"^[^\s,:/@]+:\d{1,5}\Z")]
REPLICA_MARGIN_SECONDS = 10.0
"""A replica that is too far behind is not read any more within this time."""


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
    replicas: tuple[HostAndPort, ...] = ()
    """Servers that replicate this one by GTID, as `host:3306`: they answer what may be stale, and one of them can take
    over. Account, database and TLS are the same."""
    max_replica_lag_seconds: Annotated[float, msgspec.Meta(ge=2, le=3600)] = 5.0
    """A replica that is further behind is not read."""
    own_write_wait_seconds: Annotated[float, msgspec.Meta(ge=0, le=2)] = 0.1
    """A read waits this long for a replica to have what its client has written; then the primary answers."""

    @property
    def own_write_seconds(self) -> float:
        """Return for how long to remember what a client has written: until every replica in use has it."""
        return self.max_replica_lag_seconds + REPLICA_MARGIN_SECONDS

    def __post_init__(self) -> None:
        super().__post_init__()
        members = [f"{self.host}:{self.port}", *self.replicas]
        if twice := [each for each, count in Counter(members).items() if count > 1]:
            raise ValueError(f"{twice[0]} is named twice among mysql.host and mysql.replicas")
        for each in self.replicas:
            check_port(f"mysql://{each}", "mysql.replicas")


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


class RabbitMQ(EncryptedSection, frozen=True):
    """The RabbitMQ broker."""

    nodes: Annotated[str, msgspec.Meta(pattern=r"^[^\s,]+:\d{1,5}(,[^\s,]+:\d{1,5})*$")] = "localhost:5672"
    """Host and port of one or more nodes of a cluster, separated by commas; they are tried in this order."""
    vhost: Annotated[str, msgspec.Meta(pattern=r"^[^%\s]+$")] = "/"
    """The virtual host of the exchanges and queues."""
    user: Annotated[str, NON_EMPTY] = "guest"
    """Needs configure, write and read on what begins with `topic_prefix` and `bursar.`"""
    password: Secret = msgspec.field(default_factory=lambda: Secret("guest"))
    topic_prefix: str = ""
    """In front of every name of an exchange or a queue."""
    partitions: PositiveInt = 12
    """Queues of each topic; consumers read so many, and `bursar topics` declares them."""
    replicas: PositiveInt = 1
    """Members of each quorum queue that `bursar topics` declares; an odd number, at most the nodes."""
    messages_days: Annotated[int, msgspec.Meta(ge=1, le=49)] = 7
    """A message that no consumer takes for this long goes to `bursar.undeliverable.v1`, where an operator reads it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.topic_prefix) > 100:
            raise ValueError("topic_prefix is longer than 100 characters: names of queues have at most 255 bytes")


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


class Registry(Section, frozen=True):
    """The registry of processes, where gateways find those with HTTP."""

    url: Annotated[HttpUrl, NON_EMPTY] = "http://localhost:2379"
    """The client address of etcd (a name of several members is tried member by member), or of the Consul agent of this
    machine, as in http://localhost:8500."""
    ca_file: str = ""
    """A PEM file of authorities that https trusts in addition to those of the system."""
    certificate_file: str = ""
    """The PEM file of the client's own certificate, for servers that require one."""
    key_file: str = ""
    """The PEM file of its key; empty if `certificate_file` contains it."""
    user: str = ""
    """The user of etcd."""
    password: Secret = msgspec.field(default_factory=Secret)
    token: Secret = msgspec.field(default_factory=Secret)
    """The ACL token of Consul."""
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,62}\Z")] = "bursar"
    """Begins every key in etcd; the name of the service in Consul."""
    advertised_host: Annotated[str, msgspec.Meta(pattern=r"^([^\s/:\[\]]+|[0-9a-fA-F:]+)?\Z")] = ""
    """Where gateways reach this machine; empty: `http.host`, or where that is all interfaces, the address of the one
    that leads to the registry."""
    advertised_port: Port = 0
    """The port at which gateways reach HTTP; 0: that of HTTP."""
    ttl_seconds: Annotated[int, msgspec.Meta(ge=3, le=300)] = 10
    """A process that does not renew its registration is off the list after it; renewed three times in it."""

    def __post_init__(self) -> None:
        check_port(self.url, "registry.url")
        if not self.url.startswith("https://") and (named := self.ca_file or self.certificate_file):
            raise ValueError(f"{named} is without effect while registry.url ({self.url}) is not https://…")
        if self.key_file and not self.certificate_file:
            raise ValueError(f"key_file ({self.key_file}) needs certificate_file")
        if bool(self.user) != bool(self.password.reveal()):
            raise ValueError("registry.user and registry.password are set together, or not at all")
        if self.password.reveal() or self.token.reveal():
            check_encrypted(self.url, "registry.url")

"""The settings of the HTTP API: its limits, and what it admits."""

from typing import Annotated

import msgspec

from config.sections.section import (
    NON_EMPTY,
    HttpUrl,
    Permits,
    Port,
    PositiveInt,
    Seconds,
    Secret,
    Section,
    check_port,
    check_secret,
)


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
    max_streams: PositiveInt = 400
    """Timelines that one process streams, each on one of `max_connections`; more are answered 429."""
    max_streams_per_account: PositiveInt = 20
    """Of them, those of one account or API key."""
    stream_heartbeat_seconds: Seconds = 15.0
    """The time after which a stream sends a comment, and ends if its credential has: shorter than proxies wait."""
    stream_seconds: Seconds = 3_600.0
    """The time after which a stream ends; its client continues on a new connection."""
    drain_seconds: Annotated[float, msgspec.Meta(ge=0, le=300)] = 0.0
    """After SIGTERM, requests are answered this long while readiness is 503: longer than gateways need to see it."""
    trusted_proxies: Annotated[int, msgspec.Meta(ge=0, le=16)] = 0
    """The exact number of proxies that each request passes, all of which add to `X-Forwarded-For`: more than there are
    let clients choose the address that limits count by, fewer limit a proxy instead of its clients."""
    public_url: HttpUrl = ""
    """The address that vendors send status reports to, as in https://fees.example.org; empty: no reports."""

    def __post_init__(self) -> None:
        check_port(self.public_url, "http.public_url")


class GraphQL(Section, frozen=True):
    """GraphQL queries, and the most that one of them may ask for."""

    enabled: bool = False
    """Whether `POST /v1/graphql` answers."""
    max_fields: PositiveInt = 2_500
    """Fields that a query resolves, with its fragments expanded, for each item of its pages."""
    max_depth: PositiveInt = 12
    """Selections and fragments within each other."""
    max_tokens: PositiveInt = 2_000
    """Words and signs of its text."""
    introspection: bool = False
    """Whether a query may ask for the schema."""


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

"""Connects to MySQL: one server, or a primary with its replicas."""

import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.sql.engine.connections import Renewal
from adapters.sql.engine.database import (
    CONNECT_TIMEOUT_SECONDS,
    IDLE_TIMEOUT_SECONDS,
    LOCK_WAIT_SECONDS,
    READ_TIMEOUT_SECONDS,
    Database,
)
from adapters.sql.engine.driver_errors import translate_driver_errors
from adapters.sql.engine.member import Member
from adapters.sql.engine.pipelining import enable_pipelining
from adapters.sql.engine.primary import Primary
from adapters.sql.engine.replica import Replica
from adapters.sql.engine.rotation import Rotation
from adapters.tls import client_context

TRACKING = ", session_track_gtids = 'OWN_GTID'"
"""The server tells the position of each commit with its acknowledgement."""
Pool = Callable[..., AsyncEngine]


def mysql(
    host: str, port: int, database: str, user: str, password: str, connections: int, connection_seconds: float,
    tls: str, ca_file: str, certificate_file: str, key_file: str,
    replicas: Sequence[str] = (), max_replica_lag_seconds: float = 5.0, own_write_wait_seconds: float = 0.1,
) -> Database:  # fmt: skip
    """Return a MySQL database, version 8.4 or later; raise `Invalid` for TLS files that cannot be used."""
    url = URL.create("mysql+asyncmy", user, password, host, port, database, query={"charset": "utf8mb4"})
    context = client_context(tls, ca_file, certificate_file, key_file)
    pool: Pool = partial(new_pool, connections=connections, seconds=int(connection_seconds), context=context)
    if not replicas:
        return served_by(url, pool, Renewal())
    account = {"user": user, "password": password, "db": database, "ssl": context, "autocommit": True}
    members = [Member(*address_of(each), account) for each in (f"{host}:{port}", *replicas)]
    primary, renewal = Primary(members), Renewal()
    known = served_by(url, partial(pool, connect=primary.connect), renewal, primary.lost)
    copies = [Replica(each, watched(pool(url.set(host=each.host, port=each.port)), Renewal())) for each in members]
    rotation = Rotation(primary, copies, max_replica_lag_seconds, own_write_wait_seconds, renewal.renew)
    return replace(known, rotation=rotation)


def served_by(url: URL, pool: Pool, renewal: Renewal, on_lost: Callable[[], None] = lambda: None) -> Database:
    """Return a database with pools for transactions and for single statements."""
    known = Database(pool(url, isolation="READ COMMITTED"), pool(url))
    for each in (known.engine, known.reader):
        watched(each, renewal, on_lost, known.fullness.note)
    return known


def watched(
    pool: AsyncEngine, renewal: Renewal, on_lost: Callable[[], None] = lambda: None,
    on_full: Callable[[str], None] = lambda _: None,
) -> AsyncEngine:  # fmt: skip
    """Translate the errors of a pool, and renew its connections after its server was lost."""

    def lost() -> None:
        on_lost()
        renewal.renew()

    translate_driver_errors(pool, lost, on_full)
    renewal.watch(pool)
    return pool


def new_pool(
    url: URL, *, connections: int, seconds: int, context: ssl.SSLContext | None, isolation: str = "AUTOCOMMIT",
    connect: Callable[..., Awaitable[Any]] | None = None,
) -> AsyncEngine:  # fmt: skip
    """Return a pool of connections; `connect` opens them to the server that takes writes."""
    init = f"SET time_zone = '+00:00', innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}"
    init += f", wait_timeout = {IDLE_TIMEOUT_SECONDS}"
    init += ", transaction_isolation = 'READ-COMMITTED'"  # also for autocommit statements
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "read_timeout": READ_TIMEOUT_SECONDS,
        "init_command": init + (TRACKING if connect else ""),
        "stmt_cache_size": 128,
        "ssl": context,
    }
    pool = create_async_engine(
        url,
        isolation_level=isolation,
        pool_size=connections,
        pool_recycle=seconds,  # a changed DNS entry or proxy is followed by then
        pool_reset_on_return=None,
        max_overflow=0,
        skip_autocommit_rollback=True,
        hide_parameters=True,  # parameters are personal data
        connect_args=options | ({"async_creator_fn": connect} if connect else {}),
    )
    enable_pipelining(pool)
    return pool


def address_of(text: str) -> tuple[str, int]:
    """Return host and port."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)

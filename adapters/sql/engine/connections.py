"""Decides which pooled connections may be used again."""

from time import monotonic
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine

PING_AFTER_IDLE_SECONDS = 0.5
"""A connection that was used within this time is reused without a ping."""


class Renewal:
    """Replaces the connections that were opened before the server was found to be lost, or the wrong one."""

    def __init__(self) -> None:
        self._stale_until = 0.0

    def renew(self) -> None:
        """Replace every connection that is open now, each at its next use."""
        self._stale_until = monotonic()

    def watch(self, engine: AsyncEngine) -> None:
        """Look at each connection of an engine before its use; one that was idle is pinged."""

        @event.listens_for(engine.sync_engine, "connect")
        def note_opening(_connection: Any, record: Any) -> None:
            record.info["opened"] = record.info["used"] = monotonic()

        @event.listens_for(engine.sync_engine, "checkin")
        def note_use(_connection: Any, record: Any) -> None:
            record.info["used"] = monotonic()

        @event.listens_for(engine.sync_engine, "checkout")
        def check(connection: Any, record: Any, _proxy: object) -> None:
            if record.info["opened"] <= self._stale_until:
                raise DisconnectionError
            if monotonic() - record.info["used"] < PING_AFTER_IDLE_SECONDS:
                return
            try:
                alive = engine.dialect.do_ping(connection)
            except Exception as error:
                self.renew()  # the others lead to the same server
                raise DisconnectionError from error
            except BaseException:  # no answer until the time limit
                self.renew()
                raise
            if not alive:
                self.renew()
                raise DisconnectionError

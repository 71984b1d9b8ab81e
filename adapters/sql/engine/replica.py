"""A replica, and why reads may not use it."""

from dataclasses import dataclass, field
from time import monotonic

import structlog
from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql.engine.gtids import Gtids
from adapters.sql.engine.member import Member, Standing
from adapters.sql.engine.schema_version import required_version
from core.kernel.own_writes import Position

log = structlog.get_logger()
LOOK_COUNTS_SECONDS = 4.0
"""A replica that was looked at longer ago is not used."""
NEVER, IS_PRIMARY = float("inf"), "it is the primary"
LAG_SECONDS = Gauge(
    "bursar_replica_lag_seconds",
    "How far a replica is behind the primary, at most; it is looked at every second",
    ["replica"],
    multiprocess_mode="livemax",
)
IN_ROTATION = Gauge(
    "bursar_replica_in_rotation",
    "1 while reads may use a replica, and for the primary; else 0",
    ["replica"],
    multiprocess_mode="livemin",
)


@dataclass(slots=True, eq=False)
class Replica:
    """A member as it was when it was looked at last; reads use it unless it has a fault."""

    member: Member
    engine: AsyncEngine
    fault: str = "it was not looked at yet"
    """Why no read uses it; empty while it is in rotation."""
    lag: float = NEVER
    """Seconds."""
    executed: Gtids = field(default_factory=lambda: Gtids({}))
    looked_at: float = -NEVER

    @property
    def is_fit(self) -> bool:
        """Return whether reads may use it."""
        return not self.fault and monotonic() - self.looked_at < LOOK_COUNTS_SECONDS

    def can_have(self, position: Position) -> bool:
        """Return whether waiting for a position makes sense: it knows the servers that wrote it."""
        return position.keys() <= self.executed.ranges.keys()

    def judge(self, fault: str) -> None:
        """Take it out of rotation for a fault, or back without one."""
        if fault and not self.fault and fault != IS_PRIMARY:
            log.warning("replica_left_rotation", endpoint=self.member.name, reason=fault)
        elif self.fault and not fault:
            log.info("replica_in_rotation", endpoint=self.member.name)
        self.fault = fault
        IN_ROTATION.labels(self.member.name).set(fault in ("", IS_PRIMARY))
        LAG_SECONDS.labels(self.member.name).set(self.lag)


def unfit(replica: Standing, primary: Standing, version: str) -> str:
    """Return what makes a server no replica of the primary, whatever its lag; empty if it is one."""
    if replica.server == primary.server:
        return IS_PRIMARY
    if not (replica.has_gtids and primary.has_gtids):
        return "gtid_mode is not ON, here and at the primary"
    if not replica.read_only:
        return "it takes writes: set super_read_only = ON"
    if not replica.executed.within(primary.executed):
        return "it has transactions that the primary lacks: it is another database, or was written to"
    if version < required_version():
        return f"its schema is at {version}, and this program's is {required_version()}"
    return ""

"""What `bursar doctor` tells about each replica."""

import asyncio

from adapters.sql.engine.database import Database
from adapters.sql.engine.replica import IS_PRIMARY, Replica
from adapters.sql.engine.rotation import Rotation
from core.kernel.errors import Unavailable
from core.kernel.health import Probe

LOOKS, BETWEEN_LOOKS_SECONDS = 4, 0.2


class ReplicaProbe(Probe):
    """Tells why reads do not use a replica; the process is ready without it."""

    essential, remedy = False, "see docs/how-to/read-replicas.md; until then the primary answers"

    def __init__(self, rotation: Rotation, replica: Replica) -> None:
        self.name, self._rotation, self._replica = f"replica {replica.member.name}", rotation, replica

    async def check(self) -> str:
        for _ in range(LOOKS):  # the first one knows of no earlier transactions of the primary
            await self._rotation.look()
            if not self._replica.fault:
                return f"at most {self._replica.lag:.1f} s behind the primary"
            if self._replica.fault == IS_PRIMARY:
                return IS_PRIMARY
            await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
        raise Unavailable(self._replica.fault)


def replica_probes(database: Database) -> list[Probe]:
    """Return a probe of each server of the database, if it has replicas."""
    rotation = database.rotation
    return [ReplicaProbe(rotation, each) for each in rotation.replicas] if rotation else []

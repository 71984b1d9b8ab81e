"""Metrics of the machine: room on disks, and the end of certificates."""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates
from prometheus_client import Gauge

from core.kernel.gauges import Gauges

FREE_BYTES = Gauge(
    "bursar_disk_free_bytes", "Room on the disk of a folder that this process writes", ["folder"],
    multiprocess_mode="livemostrecent",
)  # fmt: skip
SIZE_BYTES = Gauge("bursar_disk_size_bytes", "The size of that disk", ["folder"], multiprocess_mode="livemostrecent")
CERTIFICATE_EXPIRY = Gauge(
    "bursar_certificate_expiry_timestamp_seconds",
    "When the TLS files for a server expire: the first of the client's chain, or the last of the authorities",
    ["server"],
    multiprocess_mode="livemostrecent",
)


class MachineGauges(Gauges):
    """Reads the folders, and the TLS files of each server: those of authorities, and the client's certificate."""

    def __init__(
        self, folders: Mapping[str, Path], authorities: Mapping[str, str], certificates: Mapping[str, str]
    ) -> None:
        self._folders, self._authorities, self._certificates = folders, authorities, certificates

    async def refresh(self) -> None:
        await asyncio.to_thread(self._read)

    def _read(self) -> None:
        for name, folder in self._folders.items():
            with suppress(OSError):  # the probe of the database tells of a folder that is gone
                usage = shutil.disk_usage(folder)
                FREE_BYTES.labels(name).set(usage.free)
                SIZE_BYTES.labels(name).set(usage.total)
        for server in {*self._authorities, *self._certificates}:
            # Of authorities one must be valid, of the chain of a client each.
            ends = [max(expiries(self._authorities.get(server, "")), default=0.0)]
            ends += [min(expiries(self._certificates.get(server, "")), default=0.0)]
            if found := [end for end in ends if end]:
                CERTIFICATE_EXPIRY.labels(server).set(min(found))


def expiries(file: str) -> Sequence[float]:
    """Return when each certificate of a PEM file expires, in Unix time; nothing for a file that cannot be read."""
    try:
        found = load_pem_x509_certificates(Path(file).read_bytes()) if file else []
    except (OSError, ValueError):
        return ()
    return [each.not_valid_after_utc.timestamp() for each in found]

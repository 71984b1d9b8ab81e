"""How long the certificates of a file are valid."""

import asyncio
from datetime import timedelta
from pathlib import Path

from cryptography import x509

from core.kernel.clock import Clock
from core.kernel.health import Probe, Unfit

SOON = timedelta(days=21)


class CertificateProbe(Probe):
    """Tells when a PEM file expires: a chain with its first certificate, a set of authorities with its last."""

    def __init__(self, setting: str, file: str, clock: Clock) -> None:
        self.name, self._file, self._clock = setting, file, clock
        self.remedy = f"put a new certificate into {file}, and restart the processes"

    async def check(self) -> str:
        try:
            certificates = x509.load_pem_x509_certificates(await asyncio.to_thread(Path(self._file).read_bytes))
        except (OSError, ValueError) as error:
            raise Unfit(f"{self._file} cannot be read: {error}", f"correct {self.name}") from error
        last = max if self.name.endswith("ca_file") else min
        ends, now = last(each.not_valid_after_utc for each in certificates), self._clock.now()
        if ends < now + SOON:
            raise Unfit(f"{self._file} {'expired' if ends < now else 'expires'} on {ends:%Y-%m-%d}", self.remedy)
        return f"valid until {ends:%Y-%m-%d}"

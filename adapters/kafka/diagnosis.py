"""Tells why a broker cannot be used: nothing listens, TLS differs, or it advertises another address."""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.errors import KafkaError

from core.kernel.errors import Unavailable
from core.kernel.health import Unfit

TIMEOUT_SECONDS = 0.5


async def unreachable(connection: Mapping[str, Any], brokers: Iterable[Any], error: Exception) -> Unavailable:
    """Return the error of a client whose call failed after the bootstrap server named these brokers."""
    bootstrap = connection["bootstrap_servers"]
    advertised = [(each.host, each.port) for each in brokers if each.nodeId != "bootstrap" and each.port]
    named = [f"{host}:{port}" for host, port in advertised if not await answers(host, port)]
    first_host, _, first_port = bootstrap.partition(",")[0].rpartition(":")
    if named and await answers(first_host, int(first_port)):
        return Unfit(
            f"Kafka answers at {bootstrap}, and advertises {', '.join(named)}, which this machine cannot reach",
            "set advertised.listeners of the broker to an address that this machine reaches",
        )
    if await answers(first_host, int(first_port)):
        encrypts = await answers(first_host, int(first_port), encrypted=True)
        if encrypts and connection["ssl_context"] is None:
            return Unfit(
                f"Kafka at {bootstrap} expects TLS, and kafka.tls is none",
                "set kafka.tls to verified, or kafka.bootstrap to the plain listener",
            )
        if not encrypts and connection["ssl_context"] is not None:
            return Unfit(
                f"Kafka at {bootstrap} does not speak TLS, and kafka.tls demands it",
                "set kafka.bootstrap to the listener with TLS, or kafka.tls to none",
            )
    why = f": {error!r}" if isinstance(error, KafkaError) else ""
    return Unavailable(f"Kafka at {bootstrap} does not answer, or acknowledges no message{why}")


async def answers(host: str, port: int, *, encrypted: bool = False) -> bool:
    """Tell whether an address accepts connections, or whether it accepts TLS, whatever its certificate."""
    context = None
    if encrypted:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True

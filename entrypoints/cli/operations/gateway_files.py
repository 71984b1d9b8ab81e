"""Files from which gateways read the addresses of the processes with HTTP."""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from core.kernel.registry import RegisteredProcess

CLUSTER = "office"
"""The name of the service in deploy/gateway."""
Form = Callable[[Sequence[str]], Mapping[str, Any]]


def addresses(processes: Iterable[RegisteredProcess]) -> list[str]:
    """Return where HTTP is reached: an address that several workers share, once."""
    return sorted({each.address for each in processes if each.address})


def for_traefik(found: Sequence[str]) -> Mapping[str, Any]:
    """Return the service of deploy/gateway/servers.yml, with these servers."""
    balancer = {
        "servers": [{"url": f"http://{each}"} for each in found],
        "serversTransport": CLUSTER,
        "healthCheck": {"path": "/health/ready", "interval": "1s", "timeout": "3s"},
    }
    return {"http": {"services": {CLUSTER: {"loadBalancer": balancer}}}}


def for_envoy(found: Sequence[str]) -> Mapping[str, Any]:
    """Return the endpoints of a cluster of the type EDS, which are IP addresses."""
    reached = [each.rpartition(":")[::2] for each in found]
    sockets = [{"address": host.strip("[]"), "port_value": int(port)} for host, port in reached if is_ip(host)]
    endpoints = [{"endpoint": {"address": {"socket_address": each}}} for each in sockets]
    kind = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
    return {"resources": [{"@type": kind, "cluster_name": CLUSTER, "endpoints": [{"lb_endpoints": endpoints}]}]}


def is_ip(host: str) -> bool:
    """Tell whether a host is an IP address."""
    with suppress(ValueError):
        return bool(ip_address(host.strip("[]")))
    return False


def write(found: Sequence[str], path: Path, form: Form) -> bool:
    """Replace a file as a whole, and return whether it changed.

    An empty list never replaces another: without any process the old ones fail no more requests than none, and a
    registry that has just lost its data lists them again.
    """
    text = json.dumps(form(found), indent=1) + "\n"
    before = path.read_text() if path.exists() else None
    if text == before or (not found and before is not None):
        return False
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.chmod(0o644)  # the gateway has a user of its own
    os.replace(new, path)  # noqa: PTH105 - within one folder; gateways watch for it
    return True

"""Files from which gateways read the addresses of the processes with HTTP."""

import json
import os
import re
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

from core.kernel.errors import Invalid
from core.kernel.registry import RegisteredProcess

ADDRESS = re.compile(r"([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}")
SERVERS_OF_TEMPLATE = 'env "BURSAR_HTTP_SERVERS"'
ENDPOINTS_TYPE = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
CLUSTER = "office"
"""The name of the cluster in deploy/gateway/envoy.yaml."""


def addresses(processes: Iterable[RegisteredProcess]) -> list[str]:
    """Return where HTTP is reached, and of what is ready: an address that several workers share, once.

    When no process is ready, all are asked: the office keeps the arrival of a submission that it cannot store.
    """
    reached = [each for each in processes if ADDRESS.fullmatch(each.address)]
    return sorted({each.address for each in [each for each in reached if each.ready] or reached})


class GatewayFile(Protocol):
    """The form of a file."""

    path: Path

    @abstractmethod
    def content(self, found: Sequence[str]) -> str:
        """Return the whole file for these addresses; raise `Invalid`."""


@dataclass(frozen=True, slots=True)
class TraefikFile(GatewayFile):
    """A file of routes in which the addresses take the place of the environment variable."""

    template: Path
    path: Path

    def content(self, found: Sequence[str]) -> str:
        text = self.template.read_text(encoding="utf-8")
        if SERVERS_OF_TEMPLATE not in text:
            raise Invalid(
                f"{self.template} does not read its servers as deploy/gateway/routes.yml: {SERVERS_OF_TEMPLATE}"
            )
        return text.replace(SERVERS_OF_TEMPLATE, json.dumps(",".join(found)))


@dataclass(frozen=True, slots=True)
class EnvoyFile(GatewayFile):
    """The endpoints of a cluster of the type EDS, which are IP addresses."""

    path: Path

    def content(self, found: Sequence[str]) -> str:
        reached = [(host.strip("[]"), int(port)) for host, _, port in (each.rpartition(":") for each in found)]
        sockets = [{"address": host, "port_value": port} for host, port in reached if is_ip(host)]
        endpoints = [{"endpoint": {"address": {"socket_address": each}}} for each in sockets]
        cluster = {"@type": ENDPOINTS_TYPE, "cluster_name": CLUSTER, "endpoints": [{"lb_endpoints": endpoints}]}
        return json.dumps({"resources": [cluster]}, indent=1)


def is_ip(host: str) -> bool:
    """Tell whether a host is an IP address."""
    with suppress(ValueError):
        return bool(ip_address(host))
    return False


def write(file: GatewayFile, found: Sequence[str]) -> bool:
    """Replace a file as a whole, and return whether it changed.

    An empty list replaces no other: a registry that has just lost its data lists the same processes soon, and without
    any process the old servers fail no more requests than none.
    """
    exists = file.path.exists()
    if exists and (not found or file.path.read_text(encoding="utf-8") == file.content(found)):
        return False
    new = file.path.with_name(f".{file.path.name}.new")
    new.write_text(file.content(found), encoding="utf-8")
    new.chmod(0o644)  # the gateway has a user of its own
    os.replace(new, file.path)  # noqa: PTH105 - within one folder, which the gateway watches
    return True

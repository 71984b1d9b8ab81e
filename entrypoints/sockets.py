"""Sockets that this process listens on."""

import socket

from core.kernel.errors import Conflict


class AddressInUse(Conflict):
    """Another process listens on this address."""

    problem = "address-in-use"


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Bind an address, exclusively or shared with other processes; raise `AddressInUse`."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048, reuse_port=shared)
    except OSError as error:
        raise AddressInUse(f"cannot listen on {host}:{port}: {error.strerror or error}") from error

"""Builds the registry of processes and its probes."""

from collections.abc import Sequence
from typing import Any

from dependency_injector import containers, providers

from adapters.memory.registry import MemoryRegistry
from adapters.tls import client_context
from config.container.process import Process
from config.container.providers import given, lazy_imports
from config.sections import servers
from core.kernel.health import Probe
from core.kernel.registry import RegistrationProbe, Registry, RegistryProbe

with lazy_imports():
    from adapters.consul.registry import ConsulRegistry
    from adapters.etcd.registry import EtcdRegistry


def connection(settings: servers.Registry) -> dict[str, Any]:
    """Return what both registries need to be reached."""
    encrypted = "verified" if settings.url.startswith("https://") else "none"
    tls = client_context(encrypted, settings.ca_file, settings.certificate_file, settings.key_file)
    return {"url": settings.url, "tls": tls, "name": settings.name, "ttl_seconds": settings.ttl_seconds}


def etcd(settings: servers.Registry) -> Any:
    """Return the registry in etcd."""
    return EtcdRegistry(**connection(settings), user=settings.user, password=settings.password.reveal())


def consul(settings: servers.Registry) -> Any:
    """Return the registry in Consul."""
    return ConsulRegistry(**connection(settings), token=settings.token.reveal())


def probes(probe: type[RegistryProbe], name: str, kind: str, registry: Registry) -> Sequence[Probe]:
    """Return the probe of a registry, if there is one."""
    return [] if kind == "none" else [probe(f"{name} ({kind})", registry)]


class Discovery(containers.DeclarativeContainer):
    """The registry, and whether it answers and takes registrations."""

    process = given(Process)
    settings = process.settings.provided
    kind = settings.adapters.registry

    registry = providers.Selector(
        kind,
        etcd=providers.Singleton(etcd, settings.registry),
        consul=providers.Singleton(consul, settings.registry),
        none=providers.Singleton(MemoryRegistry, clock=process.clock, ttl_seconds=settings.registry.ttl_seconds),
    )
    registry_probes = providers.Callable(probes, RegistryProbe, "registry", kind, registry)
    registration_probes = providers.Callable(probes, RegistrationProbe, "registrations", kind, registry)

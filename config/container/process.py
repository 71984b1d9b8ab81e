"""Builds what a process has one of: settings, clock, ids, signals and its name."""

import os
import secrets
import socket
from pathlib import Path

from dependency_injector import containers, providers

from adapters.system.clock import SystemClock, TimeOrderedIds
from adapters.telemetry.logs import configure_logging
from config.container.providers import lazy_imports
from config.settings import Settings
from core.kernel.signals import Signals
from core.messaging.routing import Routes

with lazy_imports():
    from adapters.system.gauges import MachineGauges

CONSUMER = "bursar"
"""The name under which the inbox records handled messages."""


def process_name() -> str:
    """Return a name that is unique among all processes, past and future."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"


def machine_gauges(settings: Settings) -> MachineGauges:
    """Watch the folders of the files that the adapters of this configuration write, and the TLS files they use."""
    adapters, folders = settings.adapters, dict[str, Path]()
    if adapters.persistence == "sqlite":
        folders["database"] = Path(settings.sqlite.path).absolute().parent
    if adapters.audit_anchors == "file":
        folders["audit"] = Path(settings.audit.path).absolute().parent
    used = {
        "mysql": adapters.persistence == "mysql",
        "kafka": adapters.events == "kafka",
        "redis": adapters.cache == "redis",
        "smtp": "smtp" in adapters.email,
    }
    sections = {name: getattr(settings, name) for name, is_used in used.items() if is_used}
    return MachineGauges(
        folders,
        {name: section.ca_file for name, section in sections.items() if section.ca_file},
        {name: file for name, section in sections.items() if (file := getattr(section, "certificate_file", ""))},
    )


class Process(containers.DeclarativeContainer):
    """Settings, clock, ids and signals."""

    settings = providers.Dependency(instance_of=Settings)
    routes = providers.Dependency(instance_of=Routes, default=Routes())
    persistence = providers.Singleton(str, settings.provided.adapters.persistence)
    logs = providers.Callable(
        configure_logging, log_format=settings.provided.telemetry.log_format, level=settings.provided.telemetry.level
    )
    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(TimeOrderedIds)
    signals = providers.Singleton(Signals)
    name = providers.Singleton(process_name)
    machine_gauges = providers.Singleton(machine_gauges, settings)

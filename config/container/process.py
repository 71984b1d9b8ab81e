"""Builds what a process has one of: settings, clock, ids, signals and its name."""

import os
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

from dependency_injector import containers, providers

from adapters.system.clock import SystemClock, TimeOrderedIds
from adapters.telemetry.logs import configure_logging
from config.container.providers import lazy_imports
from config.container.traces import tracer_of
from config.settings import Settings
from core.kernel.office_days import OfficeDays
from core.kernel.signals import Signals
from core.messaging.routing import Routes

with lazy_imports():
    from adapters.system.gauges import MachineGauges

CONSUMER = "bursar"
"""The name under which the inbox records handled messages."""
TLS_FILES = ("ca_file", "certificate_file")


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
    files = tls_files(settings)
    authorities, certificates = (
        {section: file for (section, name), file in files.items() if name == kind} for kind in TLS_FILES
    )
    return MachineGauges(folders, authorities, certificates)


def tls_files(settings: Settings) -> Mapping[tuple[str, str], str]:
    """Return the TLS files that this configuration uses, by section and setting."""
    adapters = settings.adapters
    registry = "" if adapters.registry == "none" else "registry"
    chosen = {adapters.persistence, adapters.events, adapters.cache, registry, *adapters.email}
    named = {
        (section, name): getattr(getattr(settings, section), name, "")
        for section in ("mysql", "kafka", "rabbitmq", "redis", "registry", "smtp")
        if section in chosen
        for name in TLS_FILES
    }
    return {setting: file for setting, file in named.items() if file}


class Process(containers.DeclarativeContainer):
    """Settings, clock, ids and signals."""

    settings = providers.Dependency(instance_of=Settings)
    routes = providers.Dependency(instance_of=Routes, default=Routes())
    persistence = providers.Singleton(str, settings.provided.adapters.persistence)
    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(TimeOrderedIds)
    office_days = providers.Factory(OfficeDays, zone=settings.provided.receipts.zone, clock=clock)
    signals = providers.Singleton(Signals)
    name = providers.Singleton(process_name)
    logs = providers.Callable(
        configure_logging,
        log_format=settings.provided.telemetry.log_format,
        level=settings.provided.telemetry.level,
        process=name,
    )
    tracer = providers.Singleton(tracer_of, settings.provided.telemetry.traces, name)
    machine_gauges = providers.Singleton(machine_gauges, settings)

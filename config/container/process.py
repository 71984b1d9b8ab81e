"""Builds what a process has one of: settings, clock, ids, signals and its name."""

import os
import secrets
import socket

from dependency_injector import containers, providers

from adapters.system.clock import SystemClock, TimeOrderedIds
from adapters.telemetry.logs import configure_logging
from config.container.traces import tracer_of
from config.settings import Settings
from core.kernel.signals import Signals
from core.messaging.routing import Routes

CONSUMER = "bursar"
"""The name under which the inbox records handled messages."""


def process_name() -> str:
    """Return a name that is unique among all processes, past and future."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"


class Process(containers.DeclarativeContainer):
    """Settings, clock, ids and signals."""

    settings = providers.Dependency(instance_of=Settings)
    routes = providers.Dependency(instance_of=Routes, default=Routes())
    persistence = providers.Singleton(str, settings.provided.adapters.persistence)
    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(TimeOrderedIds)
    signals = providers.Singleton(Signals)
    name = providers.Singleton(process_name)
    logs = providers.Callable(
        configure_logging,
        log_format=settings.provided.telemetry.log_format,
        level=settings.provided.telemetry.level,
        process=name,
    )
    tracer = providers.Singleton(tracer_of, settings.provided.telemetry.traces, name)

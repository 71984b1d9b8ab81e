"""What every part of the switchboard builds on."""

import os
import secrets
import socket

from dependency_injector import containers, providers

from adapters.system.clock import SystemClock, TimeOrderedIds
from adapters.telemetry.logs import configure_logging
from config.settings import Settings
from core.kernel.signals import Signals
from core.notifications.attempt_log import AttemptLog

CONSUMER = "bursar"
"""Whose inbox it is."""


def who_we_are() -> str:
    """Return a name that no other process has had or will have."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"


class Basics(containers.DeclarativeContainer):
    """The settings, and what there is one of in a process."""

    settings = providers.Dependency(instance_of=Settings)
    contexts = providers.Dependency(instance_of=tuple, default=())
    """Of the messages that travel: what a broker has topics for."""
    persistence = providers.Singleton(str, settings.provided.adapters.persistence)

    logs = providers.Callable(
        configure_logging, form=settings.provided.telemetry.logs, level=settings.provided.telemetry.level
    )
    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(TimeOrderedIds)
    signals = providers.Singleton(Signals)
    journal = providers.Singleton(AttemptLog)
    holder = providers.Singleton(who_we_are)

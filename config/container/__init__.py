"""The composition root: the only place where a port meets an adapter."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from dependency_injector import containers, providers

from config.container.events import Events
from config.container.use_cases import UseCases
from config.container.vendors import Vendors
from config.container.views import Views
from config.settings import Settings

__all__ = ["Application", "Driven", "UseCases", "running"]


class Driven(Vendors, Events, Views):
    """The switchboard: for each port, every adapter that can stand behind it."""

    probes = providers.List(Views.persistence_probe, Events.events_probe, Views.cache_probe)


class Application(containers.DeclarativeContainer):
    """Settings go in, use cases come out."""

    settings = providers.Dependency(instance_of=Settings)
    contexts = providers.Dependency(instance_of=tuple, default=())
    driven = providers.Container(Driven, settings=settings, contexts=contexts)
    use_cases = providers.Container(UseCases, driven=driven)


@asynccontextmanager
async def running(application: Application) -> AsyncIterator[Application]:
    """Let go of every connection at the end; they are made when they are first needed."""
    application.check_dependencies()
    driven = application.driven
    driven.logs()
    adapters = application.settings().adapters
    held = [driven.publisher(), driven.cache(), driven.database()]
    held += [driven.email_vendors(name) for name in adapters.email] + [
        driven.sms_vendors(name) for name in adapters.sms
    ]
    held += [record for known in driven.records().values() for record in known.values()]
    async with AsyncExitStack() as stack:
        for each in held:
            if hasattr(each, "close"):
                stack.push_async_callback(each.close)
        yield application

"""How the parts of the switchboard are made."""

from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import cache
from importlib import import_module
from typing import Any

import msgspec
from dependency_injector import providers

from adapters.telemetry.instrumented import instrumented
from config.settings import Secret


def lazily(module: str, name: str) -> Callable[..., Any]:
    """Import an adapter when it is first built: a process pays for what its configuration names."""

    @cache
    def adapter() -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(import_module(module), name)
        return found

    def build(*arguments: Any, **named: Any) -> Any:
        return adapter()(*arguments, **named)

    return build


def configured(module: str, name: str) -> Callable[..., Any]:
    """Build an adapter lazily from its section of the settings, whose words are its arguments."""

    def build(section: msgspec.Struct, **others: Any) -> Any:
        words = msgspec.structs.asdict(section) | others
        plain = {word: value.reveal() if isinstance(value, Secret) else value for word, value in words.items()}
        return lazily(module, name)(**plain)

    return build


def stored(
    persistence: providers.Provider[str], *, sql: providers.Provider[Any], memory: providers.Provider[Any]
) -> providers.Selector[Any]:
    """Choose how something is stored: one code for both databases, one without any."""
    return providers.Selector(persistence, mysql=sql, sqlite=sql, memory=memory)


def use_case(kind: type[Any], driven: providers.DependenciesContainer, **others: Any) -> providers.Factory[Any]:
    """Fill the fields of a use case with the adapters of the same names; what is `new_…` is made by it, each time."""
    needed = [field.name for field in fields(kind) if field.default is MISSING and field.name not in others]
    ports = {name: getattr(driven, name) for name in needed}
    ports |= {name: ports[name].provider for name in needed if name.startswith("new_")}
    return providers.Factory(instrumented, kind, **ports, **others)

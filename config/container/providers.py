"""Providers the containers share: adapters are named by import and loaded when they are first built."""

import builtins
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, fields
from functools import cached_property
from importlib import import_module
from types import SimpleNamespace
from typing import Any, TypeVar, cast, get_type_hints

import msgspec
from dependency_injector import containers, providers

from adapters.telemetry.instrumented import recording
from adapters.telemetry.timed import timed
from config.sections.section import Secret

T = TypeVar("T")
C = TypeVar("C", bound=containers.DeclarativeContainer)


class Lazy:
    """An imported name that is loaded at its first call; if it is an adapter, the calls of its ports are timed."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self.__name__ = module, name

    @cached_property
    def _loaded(self) -> Callable[..., Any]:
        loaded: Callable[..., Any] = getattr(import_module(self._module), self.__name__)
        is_adapter = isinstance(loaded, type) and not self._module.startswith("adapters.telemetry.")
        return timed(loaded) if is_adapter else loaded  # type: ignore[arg-type]  # it is a type

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Import the module and call the name."""
        return self._loaded(*arguments, **named)


@contextmanager
def lazy_imports() -> Iterator[None]:
    """Defer every `from … import …` of the block: a process loads only the adapters of its configuration."""

    def deferred(module: str, _globals: Any, _locals: Any, names: tuple[str, ...], _level: int = 0) -> Any:
        return SimpleNamespace(**{name: Lazy(module, name) for name in names})

    immediate: Any = builtins.__import__
    builtins.__import__ = deferred  # type: ignore[assignment]
    try:
        yield
    finally:
        builtins.__import__ = immediate


def given(_container: type[C]) -> C:
    """Declare a container that another container passes in, with its type."""
    return cast(C, providers.DependenciesContainer())


def stored(persistence: providers.Provider[str], *, sql: Any, memory: Any) -> providers.Selector[Any]:
    """Select the adapter by persistence; MySQL and SQLite share one."""
    return providers.Selector(persistence, mysql=sql, sqlite=sql, memory=memory)


def configured(adapter: Callable[..., Any]) -> Callable[..., Any]:
    """Return a factory that passes the fields of a settings section to the adapter."""

    def build(section: msgspec.Struct, **others: Any) -> Any:
        words = msgspec.structs.asdict(section) | others
        plain = {word: value.reveal() if isinstance(value, Secret) else value for word, value in words.items()}
        return adapter(**plain)

    return build


def use_cases(collection: Any, refusals: Any, **given_ports: Any) -> providers.Singleton[Any]:
    """Build a collection that records its refusals: fields of use cases are filled with the ports of the same names.

    A factory of units of work or inboxes is passed as it is.
    """
    ports = {name: port.provider if name.startswith("new_") else port for name, port in given_ports.items()}
    kinds, members = get_type_hints(collection), [each.name for each in fields(collection) if each.init]
    return providers.Singleton(collection, **{name: use_case(kinds[name], refusals, ports) for name in members})


def use_case(kind: type[Any], refusals: Any, ports: Mapping[str, Any]) -> providers.Factory[Any]:
    """Build a use case with the ports that its fields name."""
    needed = [field.name for field in fields(kind) if MISSING is field.default is field.default_factory]
    return providers.Factory(recording, refusals, kind, **{name: ports[name] for name in needed})

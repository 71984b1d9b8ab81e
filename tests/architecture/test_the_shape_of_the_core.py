import importlib
import inspect
import pkgutil
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from types import ModuleType
from typing import Any, Protocol, get_args, get_type_hints

import adapters
import core
from core.kernel.errors import CoreError, Invalid
from core.kernel.events import Event
from core.use_cases import UseCases

MODULES = [importlib.import_module(each.name) for each in pkgutil.walk_packages(core.__path__, "core.")]
BARRED = ("Manager", "Service", "Helper", "Util", "Base", "Impl", "Data", "Info", "Facade", "Factory", "Abstract")


def classes_of(module: ModuleType) -> list[type]:
    """Return the classes that a module defines itself."""
    return [each for each in vars(module).values() if inspect.isclass(each) and each.__module__ == module.__name__]


def is_port(kind: type) -> bool:
    return bool(getattr(kind, "_is_protocol", False))


def acts(kind: type) -> bool:
    """Return whether a class is a use case: async `__call__`, dependencies, and no type parameters."""
    return inspect.iscoroutinefunction(vars(kind).get("__call__")) and not getattr(kind, "__parameters__", ())


PORTS = [
    kind for module in MODULES for kind in classes_of(module) if is_port(kind) and vars(kind).get("__call__") is None
]
USE_CASES = [module for module in MODULES if any(acts(kind) for kind in classes_of(module))]
CLASSES = [kind for module in MODULES for kind in classes_of(module)]


def faults_of_port(port: Any) -> Iterator[str]:
    """Return the violations of a port."""
    methods = {name for name in port.__abstractmethods__ if not name.startswith("__")}
    if len(methods) > 4:
        yield f"{len(methods)} abstract methods"
    if not vars(port).get("__doc__"):
        yield "no docstring"
    for name in sorted(methods):
        if not getattr(port, name).__doc__:
            yield f"no docstring of {name}"
    for name, member in vars(port).items():
        if inspect.isfunction(member) and not name.startswith("_") and name not in methods:
            yield f"{name} is not abstract"


def faults_of_use_case(module: ModuleType) -> Iterator[str]:
    """Return the violations of a module with a use case."""
    stem = module.__name__.rpartition(".")[2]
    acting = [kind for kind in classes_of(module) if acts(kind)]
    if [kind.__name__ for kind in acting] != ["".join(word.title() for word in stem.split("_"))]:
        yield f"it holds {', '.join(kind.__name__ for kind in acting)}"
    if "_" not in stem:
        yield "its name is no phrase"
    for kind in acting:
        parameters: Any = getattr(kind, "__dataclass_params__", None)
        if parameters is None or not parameters.frozen or not hasattr(kind, "__slots__"):
            yield f"{kind.__name__} is no frozen dataclass with slots"
        if "permission" not in vars(kind):
            yield f"{kind.__name__} declares no permission"
        if not vars(kind)["__call__"].__doc__:
            yield f"{kind.__name__} does not say what it returns"


def test_a_port_is_small_and_says_what_it_promises() -> None:
    assert {port.__name__: faults for port in PORTS if (faults := list(faults_of_port(port)))} == {}


def test_a_port_has_an_adapter_that_says_so() -> None:
    for module in pkgutil.walk_packages(adapters.__path__, "adapters."):
        if ".migrations" not in module.name:  # those run where Alembic does
            importlib.import_module(module.name)

    def heirs(kind: type) -> Iterator[type]:
        for heir in kind.__subclasses__():
            yield heir
            yield from heirs(heir)

    def has_adapter(port: type) -> bool:
        return any(heir.__module__.startswith(("adapters.", "core.use_cases")) for heir in heirs(port))

    assert [port.__name__ for port in PORTS if not has_adapter(port)] == []


def test_a_use_case_is_one_frozen_dataclass_named_like_its_module() -> None:
    assert {module.__name__: faults for module in USE_CASES if (faults := list(faults_of_use_case(module)))} == {}


def test_every_use_case_is_offered_under_the_name_of_its_module() -> None:
    collections = get_type_hints(UseCases.__init__).values()
    kinds = [get_args(each)[1] for each in collections if get_args(each)]
    offered = {field.name: field.type for kind in kinds for field in fields(kind)}
    del offered["allocation_batcher"]  # the use case AllocateLines for single lines

    assert {module.__name__.rpartition(".")[2] for module in USE_CASES} == offered.keys()


def test_a_name_says_what_a_thing_is() -> None:
    def says_nothing(kind: type) -> bool:
        named_as_error = issubclass(kind, CoreError) and kind is not CoreError and kind.__name__.endswith("Error")
        return kind.__name__.endswith(BARRED) or kind.__name__.startswith(("Base", "Abstract")) or named_as_error

    assert [kind.__qualname__ for kind in CLASSES if says_nothing(kind)] == []
    assert [kind.__qualname__ for kind in CLASSES if not kind.__doc__] == []


def test_an_event_can_no_longer_be_changed() -> None:
    events = [kind for kind in CLASSES if issubclass(kind, Event)]
    assert events
    for kind in events:
        assert is_dataclass(kind), kind
        assert getattr(kind, "__dataclass_params__").frozen, kind  # noqa: B009 - missing in typeshed
        assert {"at", "subject", "version"} <= {field.name for field in fields(kind)}, kind


def test_an_invalid_field_error_can_be_raised_while_decoding() -> None:
    assert issubclass(Invalid, ValueError)


class TooLargePort(Protocol):
    """A port with too many methods."""

    @abstractmethod
    def one(self) -> None:
        """A method."""

    @abstractmethod
    def two(self) -> None:
        """A method."""

    @abstractmethod
    def three(self) -> None:
        """A method."""

    @abstractmethod
    def four(self) -> None:
        """A method."""

    @abstractmethod
    def five(self) -> None: ...


class UndocumentedPort(Protocol):
    """A method that is not abstract."""

    def one(self) -> None:
        """A method."""


def test_a_port_that_is_too_large_or_undocumented_is_found() -> None:
    assert list(faults_of_port(TooLargePort)) == ["5 abstract methods", "no docstring of five"]
    assert list(faults_of_port(UndocumentedPort)) == ["one is not abstract"]


def test_a_use_case_of_another_shape_is_found() -> None:
    module = ModuleType("core.fees.pay_fee")
    source = '''
from dataclasses import dataclass
class PayFee:
    async def __call__(self): """Pay."""
@dataclass(frozen=True, slots=True)
class RefundFee:
    async def __call__(self): ...
'''
    exec(source, vars(module))

    assert list(faults_of_use_case(module)) == [
        "it holds PayFee, RefundFee",
        "PayFee is no frozen dataclass with slots",
        "PayFee declares no permission",
        "RefundFee declares no permission",
        "RefundFee does not say what it returns",
    ]

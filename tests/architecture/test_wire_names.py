"""Names that other systems depend on: a change requires a change of `docs/reference/wire-names.md`."""

import re
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType

import pytest
from prometheus_client.metrics import MetricWrapperBase

import adapters
import config
import core
import entrypoints
from adapters.kafka.audit_anchors import AUDIT_HEADS_TOPIC
from adapters.kafka.probe import HEARTBEAT_TOPIC
from adapters.sql.schema import metadata
from adapters.telemetry.ecs import FIELDS
from adapters.telemetry.traces import SpanName
from core.kernel.errors import CoreError, Invalid, error_name, problem_type
from core.kernel.events import Event
from core.kernel.registry import RegisteredProcess
from core.messaging.message import topic_of
from docs.generator.http_api import openapi_document
from entrypoints.routes import ROUTES

DOCUMENT = Path(__file__).parents[2] / "docs/reference/wire-names.md"


def modules() -> Iterator[ModuleType]:
    for package in (core, adapters, config, entrypoints):
        for found in walk_packages(package.__path__, f"{package.__name__}."):
            if "migrations" not in found.name and not found.name.endswith("__main__"):
                yield import_module(found.name)


def descendants(kind: type) -> Iterator[type]:
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


def topics() -> list[str]:
    return sorted([AUDIT_HEADS_TOPIC, HEARTBEAT_TOPIC, *(topic_of(context) for context in ROUTES.contexts)])


def events() -> list[str]:
    found = [kind for kind in descendants(Event) if "MESSAGE_TYPE" in vars(kind) and "tests" not in kind.__module__]
    return sorted({f"{kind.MESSAGE_TYPE}: {', '.join(sorted(each.name for each in fields(kind)))}" for kind in found})


def messages_in() -> list[str]:
    return sorted(f"{context} {kind}" for context, kind in ROUTES.table)


def problems() -> list[str]:
    return sorted(
        {problem_type(kind) for kind in (CoreError, *descendants(CoreError)) if "tests" not in kind.__module__}
    )


def operations() -> list[str]:
    paths = openapi_document()["paths"]
    return sorted(operation["operationId"] for methods in paths.values() for operation in methods.values())


def metrics() -> list[str]:
    found = [each for module in modules() for each in vars(module).values() if isinstance(each, MetricWrapperBase)]
    return sorted({f"{each._name}: {', '.join(each._labelnames)}".rstrip(": ") for each in found})


def tables() -> list[str]:
    return sorted(f"{table.name}: {', '.join(table.columns.keys())}" for table in metadata.tables.values())


def constraints() -> list[str]:
    each = [part for table in metadata.tables.values() for part in (*table.constraints, *table.indexes)]
    return sorted(str(part.name) for part in each if part.name)


def actions() -> list[str]:
    kinds = [kind for module in modules() for kind in vars(module).values() if hasattr(kind, "permission")]
    return sorted({kind.ACTION for kind in kinds if "ACTION" in vars(kind)})


FOUND = {
    "Topics": topics,
    "Messages taken in": messages_in,
    "Events and their fields": events,
    "Problem types": problems,
    "Operations of the HTTP API": operations,
    "Metrics and their labels": metrics,
    "Fields of log lines": lambda: [*sorted(f"{name}: {kind}" for name, kind in FIELDS.items())],
    "Spans": lambda: sorted(SpanName),
    "Tables and their columns": tables,
    "Constraints and indexes": constraints,
    "Actions of audit records": actions,
    "Fields of registered processes": lambda: sorted(each.name for each in fields(RegisteredProcess)),
}


def pinned(section: str) -> list[str]:
    text = DOCUMENT.read_text().split(f"\n## {section}\n")[1].split("\n## ")[0]
    return re.findall(r"^\* `(.+)`$", text, re.MULTILINE)


@pytest.mark.parametrize("section", FOUND)
def test_a_name_on_the_wire_is_the_documented_one(section: str) -> None:
    list(modules())

    found, documented = FOUND[section](), pinned(section)

    assert {"to add": sorted(set(found) - set(documented)), "to remove": sorted(set(documented) - set(found))} == {
        "to add": [],
        "to remove": [],
    }
    assert found == documented


@pytest.mark.parametrize(("root", "name"), [(CoreError, "problem"), (Event, "MESSAGE_TYPE")])
def test_what_the_core_raises_or_announces_says_its_own_name(root: type, name: str) -> None:
    list(modules())
    parents = {parent for kind in descendants(root) for parent in (base.__name__ for base in kind.__bases__)}
    kinds = [kind for kind in descendants(root) if kind.__module__.startswith("core.") and kind.__name__ not in parents]

    assert len(kinds) > 10
    assert [kind for kind in kinds if name not in vars(kind)] == []


def test_a_name_follows_from_no_class() -> None:
    class RenamedSince(Invalid):
        problem = "invalid-code"

    assert problem_type(RenamedSince) == "urn:bursar:problem:invalid-code"
    assert error_name(RenamedSince()) == "InvalidCode"

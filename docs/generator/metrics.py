"""The metrics: name, type, unit, labels and meaning of each, and the values that each label has."""

import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pkgutil import walk_packages
from typing import NamedTuple, get_args, get_type_hints

from prometheus_client.metrics import MetricWrapperBase

import adapters
import entrypoints
from adapters.resilience.gateway import CHANNEL
from config.settings import Adapters
from core.audit.refusal_log import Fate
from core.messaging.message import topic_of
from core.notifications.attempt_log import AttemptOutcome
from core.notifications.delivery import Channel
from core.notifications.delivery_figures import WAITING_STATES
from core.payments.order import UNDER_WAY
from docs.generator.markdown import code, table
from entrypoints.effects import Transport
from entrypoints.jobs import NAMES
from entrypoints.routes import ROUTES

UNITS = {"timestamp_seconds": "Unix time", "seconds": "seconds", "bytes": "bytes", "messages": "messages"}
UNITS |= {"events": "events", "units": "units of work", "connections": "connections"}
SUFFIXES: Mapping[str | None, tuple[str, ...]] = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}


class Label(NamedTuple):
    """A label: what it tells, and its values, a closed set or a pattern."""

    meaning: str
    values: Callable[[], set[str]] | str


def vendors() -> set[str]:
    """Return the words of the settings that name vendors."""
    hints = get_type_hints(Adapters)  # a tuple of one literal
    return {word for name in ("email", "sms", "payments") for word in get_args(get_args(hints[name])[0])}


TOPICS = [re.escape(topic_of(context)) for context in ROUTES.contexts]
CLASS_NAME = r"[A-Z][A-Za-z]+"
LABELS: Mapping[str, Label] = {
    "adapter": Label("The class that does the call; a unit of work by its context.", CLASS_NAME),
    "call": Label("A method of the port.", r"[a-z][a-z_]+"),
    "channel": Label("The medium of a message; `payments` for gateways.", lambda: {*Channel, CHANNEL}),
    "fate": Label("What became of the audit record of a refusal.", lambda: set(Fate)),
    "folder": Label("A folder by its use.", lambda: {"database", "audit"}),
    "replica": Label("A MySQL server as `mysql.host` or `mysql.replicas` name it.", r"[^\s,:/@]+:\d{1,5}"),
    "target": Label("The server that answered a read that may be stale.", lambda: {"primary", "replica"}),
    "gateway": Label("A payment gateway by its word in the settings.", lambda: {"razorpay", "sandbox", "stripe"}),
    "method": Label("The method of a request, one of those that the HTTP parser knows.", r"[A-Z-]{3,12}"),
    "name": Label("The job: `bursar jobs list`.", lambda: set(NAMES)),
    "outcome": Label(
        "Of effects `done` or `failed`; of calls of vendors what the vendor answered; of use cases `done`, the name of"
        " the problem, `Cancelled`, or `Defect` for any other error.",
        rf"done|failed|{'|'.join(AttemptOutcome)}|{CLASS_NAME}",
    ),
    "pool": Label("`transactions`, or `statements` that are their own.", lambda: {"transactions", "statements"}),
    "port": Label("The interface of the core that an adapter implements.", CLASS_NAME),
    "projection": Label("A projection of events.", lambda: {"inventory"}),
    "reason": Label(
        "Of dead letters the name of the error's class; of refused connections a word of the runbook.",
        rf"[a-z_]+|{CLASS_NAME}",
    ),
    "route": Label(
        "The template of a path, without the ids in it; `(none)` for a path of no route.", r"\(none\)|/[^%]*"
    ),
    "server": Label(
        "The section of the settings that names the files.",
        lambda: {"mysql", "kafka", "rabbitmq", "redis", "registry", "smtp"},
    ),
    "state": Label("The state of a delivery or of an order.", lambda: {*WAITING_STATES, *UNDER_WAY}),
    "status": Label("The status of the response; 0: the process ended before it.", r"0|[1-5]\d\d"),
    "topic": Label(
        "A topic that Bursar consumes, with its prefix.", rf".*({'|'.join(map(topic_of, ROUTES.contexts))})"
    ),
    "transport": Label("What the process did it for.", lambda: set(get_args(Transport))),
    "type": Label("The type of an event.", CLASS_NAME),
    "use_case": Label("The class of a use case.", CLASS_NAME),
    "vendor": Label("A vendor by its word in the settings.", vendors),
    "worker": Label("The number of a process of `http.workers`; 0 without them.", r"\d{1,6}"),
}


def has_value(label: str, value: str) -> bool:
    """Tell whether a label may have a value."""
    values = LABELS[label].values
    return re.fullmatch(values, value) is not None if isinstance(values, str) else value in values()


def every_metric() -> Iterator[MetricWrapperBase]:
    """Yield the metrics of the program by name."""
    found: dict[str, MetricWrapperBase] = {}
    for package in (adapters, entrypoints):
        for each in walk_packages(package.__path__, f"{package.__name__}."):
            if "migrations" not in each.name and not each.name.endswith("__main__"):
                members = vars(import_module(each.name)).values()
                found |= {member._name: member for member in members if isinstance(member, MetricWrapperBase)}  # noqa: SLF001
    yield from (found[name] for name in sorted(found))


def series() -> set[str]:
    """Return the names of time series that queries can use."""
    return {f"{each._name}{suffix}" for each in every_metric() for suffix in SUFFIXES[str(each._type)]}  # noqa: SLF001


def metrics() -> str:
    """Return a table of the metrics."""
    heads = ("name", "type", "unit", "labels", "meaning")
    return table(heads, [row_of(each) for each in every_metric()])


def labels() -> str:
    """Return a table of the labels."""
    rows = [
        (code(name), each.meaning, "" if isinstance(each.values, str) else ", ".join(map(code, sorted(each.values()))))
        for name, each in LABELS.items()
    ]
    return table(("label", "meaning", "values"), rows)


def row_of(metric: MetricWrapperBase) -> tuple[str, str, str, str, str]:
    """Return the row of a metric; its name is the one that a query uses."""
    name, kind = metric._name, str(metric._type)  # noqa: SLF001 - no public attributes
    shown = f"{name}_total" if kind == "counter" else name
    given = ", ".join(map(code, metric._labelnames))  # noqa: SLF001
    return code(shown), str(kind), unit_of(name), given, f"{metric._documentation}."  # noqa: SLF001


def unit_of(name: str) -> str:
    """Return the unit that ends a name; a name without one is a count of what it names."""
    return next((unit for suffix, unit in UNITS.items() if name.endswith(f"_{suffix}")), "")

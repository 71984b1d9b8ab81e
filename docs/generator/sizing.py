"""The sizes of example offices: processes, cores, connections and disk, from the recorded service times."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

from config.sections.servers import Kafka, MySQL
from docs.generator.markdown import code, table

RESULTS = Path(__file__).parents[2] / "benchmarks/results.json"
MAX_UTILISATION = 0.5
"""At one half, an unexpected peak of twice the size is served, and a queue waits about as long as it is served."""
CHANNELS = 2
"""A notice goes by e-mail and by SMS."""
POOLS = 2
"""A process has one pool of `mysql.connections` for transactions, and one for single statements."""
WRITES = 4
"""Times that a submission writes: itself, its publication, its effect, the outcomes of its deliveries."""
SIGN_INS = 0.01
"""Sign-ins with a password for each submission: of staff; candidates have codes or a provider."""
MIB, GIB, MILLION = 1 << 20, 1 << 30, 1_000_000


@dataclass(frozen=True, slots=True)
class Office:
    """An office: its submissions of a year, and of the busiest second."""

    name: str
    yearly: int
    peak: int
    fewest: int
    """Processes of a role where one would suffice; with two, a restart leaves no gap."""


OFFICES = (
    Office("a school", 5_000, 1, 1),
    Office("a university", 200_000, 50, 2),
    Office("a national board", 4_000_000, 1_000, 2),
)


@dataclass(frozen=True, slots=True)
class Work:
    """What one role does for a submission: the figure that has its rate, and how often."""

    figure: str
    times: float = 1


ROLES: Mapping[str, Work] = {
    "http": Work("submissions/s, 64 connections, bursar"),
    "relay": Work("relay, events/s"),
    "consumer": Work("consumer, effects/s"),
    "dispatcher": Work("dispatcher, deliveries/s", CHANNELS),
}
DATABASE = Work("submissions/s, mysql alone", WRITES)
SIGN_IN = Work("sign-ins per second of a core", SIGN_INS)
NEW_TOKEN = Work("verification µs of a core, first")
DISK, KEPT, LOGGED = (f"disk, bytes a submission{part}" for part in ("", ", kept for good", ", binary log"))
BYTES = (DISK, KEPT, LOGGED)


@cache
def results() -> Any:
    """Return what `just bench` recorded."""
    return json.loads(RESULTS.read_text(encoding="utf-8"))


def figure(name: str) -> float:
    """Return the median of a recorded figure."""
    return float(results()["figures"][name]["median"])


def database_cores(peak: float) -> float:
    """Return the cores that MySQL and its client occupy at a peak, at most: all of the machine at the recorded rate."""
    return float(results()["machine"]["cores"]) * load(DATABASE, peak)


def load(work: Work, peak: float) -> float:
    """Return how many processes, or cores, are busy at the peak: the rate times the time of one (utilisation law)."""
    return peak * work.times / figure(work.figure)


def processes(office: Office) -> dict[str, int]:
    """Return the processes by role, each busy at most `MAX_UTILISATION` of its time at the peak."""
    needed = {role: ceil(load(work, office.peak) / MAX_UTILISATION) for role, work in ROLES.items()}
    return {role: max(number, office.fewest) for role, number in needed.items()} | {"scheduler": office.fewest}


def cores(office: Office) -> float:
    """Return the cores for processes, database and sign-ins, busy at `MAX_UTILISATION` at the peak."""
    busy = sum(load(work, office.peak) for work in (*ROLES.values(), SIGN_IN))
    return (busy + database_cores(office.peak)) / MAX_UTILISATION


def connections(office: Office) -> int:
    """Return the most connections that the processes open to MySQL."""
    return sum(processes(office).values()) * POOLS * MySQL().connections


def service_times() -> str:
    """Return a table of what each step of a submission takes, and of what a million take."""
    sources = {**ROLES, "sign-in": SIGN_IN, "database": DATABASE, "a new token, within http": NEW_TOKEN}
    seconds = {name: load(work, 1) for name, work in sources.items()} | {"database": database_cores(1)}
    seconds["a new token, within http"] = figure(NEW_TOKEN.figure) / MILLION
    rows = [
        (name, code(work.figure), f"{took * MILLION:,.0f} µs", f"{took * MILLION / 3_600:,.2f} core hours")
        for (name, work), took in zip(sources.items(), seconds.values(), strict=True)
    ]
    rows += [(name, code(name), f"{figure(name):,.0f} bytes", volume(figure(name) * MILLION)) for name in BYTES]
    return table(("step", "recorded figure", "a submission", "1,000,000 submissions"), rows)


def offices() -> str:
    """Return a table of the example offices."""
    columns = [sizes(office) for office in OFFICES]
    rows = [(name, *(column[name] for column in columns)) for name in columns[0]]
    return table(("", *(office.name for office in OFFICES)), rows)


def sizes(office: Office) -> dict[str, str]:
    """Return the column of one office."""
    needed, hour = processes(office), 3_600 * office.peak * (figure(DISK) + figure(LOGGED))
    return {
        "submissions a year": f"{office.yearly:,}",
        "submissions in the busiest second": f"{office.peak:,}",
        **{f"processes: {role}": f"{number}" for role, number in needed.items()},
        "cores, those of MySQL with them": f"{ceil(cores(office) * 10) / 10:,}",
        "connections to MySQL, at most": f"{connections(office):,}",
        "partitions of a topic, at least": f"{max(Kafka().partitions, needed['consumer'])}",
        "disk of MySQL for a year": volume(office.yearly * figure(KEPT)),
        "disk of MySQL for an hour of the peak, with its binary log": volume(hour),
    }


def volume(size: float) -> str:
    """Return bytes as GiB, or as MiB where they are few."""
    return f"{size / GIB:,.1f} GiB" if size >= GIB else f"{size / MIB:,.0f} MiB"

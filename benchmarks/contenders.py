"""The servers that are compared: each serves `POST /v1/exam-fees` in one process, on the same database."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import URL

from benchmarks.closed_loop_load import NAME, Calls
from benchmarks.environment import BenchmarkEnvironment, Process
from benchmarks.installed import installed

MAX_SUBMISSIONS_PER_SECOND = 40_000
"""Candidates per second of measurement: more than any contender serves."""
LOGGING = {"TELEMETRY__LEVEL": "info", "TELEMETRY__LOG_FORMAT": "json"}
"""The log settings of production."""


def bursar(environment: BenchmarkEnvironment) -> AbstractContextManager[Process]:
    """Run Bursar in its default configuration."""
    return environment.serve("http", **LOGGING)


def single(environment: BenchmarkEnvironment) -> AbstractContextManager[Process]:
    """Run Bursar with one commit per unit of work."""
    return environment.serve("http", ADAPTERS__COMMITS="single", **LOGGING)


def http_alone(environment: BenchmarkEnvironment) -> AbstractContextManager[Process]:
    """Run Bursar without pricing and storage."""
    words = [installed("python"), "-m", "benchmarks.http_alone", "serve"]
    return environment.run(words, environment.variables(SERVE="http", **LOGGING))


@contextmanager
def peer(environment: BenchmarkEnvironment, module: str = "usual_stack") -> Iterator[Process]:
    """Run a peer with the access log of uvicorn: the usual stack, or Litestar with SQLAlchemy's ORM."""
    server = environment.mysql
    url = URL.create("mysql+asyncmy", server.user, server.password, server.host, server.port, environment.name)
    words = [sys.executable, "-m", "uvicorn", f"benchmarks.peers.{module}:app", "--port", "0"]
    words += ["--loop", "uvloop", "--http", "httptools", "--no-server-header"]
    with environment.run(words, {"PEER_DATABASE": url.render_as_string(hide_password=False)}) as process:
        yield process


CONTENDERS: Mapping[str, Callable[[BenchmarkEnvironment], AbstractContextManager[Process]]] = {
    "bursar": bursar,
    "bursar, single commits": single,
    "peer": peer,
    "peer on Litestar": partial(peer, module="litestar_stack"),
    "http alone": http_alone,
}


def load(process: Process, connections: int, seconds: float, calls: Calls) -> Any:
    """Measure with clients in a separate process; raise if a response is neither a success nor a 503."""
    port = process.wait_until_ready().rpartition(":")[2]
    words = [sys.executable, "-m", "benchmarks.closed_loop_load", port, str(connections), str(seconds)]
    told = replace(calls, credentials=process.credentials).dumped()
    done = subprocess.run(words, input=told, capture_output=True, check=True, encoding="utf-8", timeout=120)  # noqa: S603 - fixed command
    found = json.loads(done.stdout)
    if not set(found["answers"]) <= {"200", "201", "503"}:  # an overloaded contender may reject requests
        raise RuntimeError(f"the answers were not what they should be: {found}")
    return found


def submit(process: Process, connections: int, schedule: str, names: Sequence[str]) -> Any:
    """Submit for warm-up and then for the measurement, each candidate once."""
    calls, seconds = submitting(schedule, names), len(names) / MAX_SUBMISSIONS_PER_SECOND
    warm = sum(load(process, connections, seconds / 3, calls)["answers"].values()) + connections
    found = load(process, connections, seconds, submitting(schedule, names[warm:]))
    if warm + sum(found["answers"].values()) > len(names):
        raise RuntimeError(f"there were too few candidates: {found}")
    return found


def submitting(schedule: str, names: Sequence[str]) -> Calls:
    """Return the submission of each candidate."""
    fee = {"schedule": schedule, "registration": NAME, "papers": ["041", "042"]}
    return Calls(names, "/v1/exam-fees", json.dumps(fee), f"{schedule}-{NAME}")

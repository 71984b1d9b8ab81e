"""Who is measured side by side: each serves `POST /v1/exam-fees` in one process, on the same database."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import URL

from benchmarks.closed_loop_load import NAME, Calls
from benchmarks.environment import Office, Process

MAX_SUBMISSIONS_PER_SECOND = 40_000
"""Candidates for each second: more than anybody serves."""
LOGGING = {"TELEMETRY__LEVEL": "info", "TELEMETRY__LOGS": "json"}
"""As in production."""


def bursar(office: Office) -> AbstractContextManager[Process]:
    """Run Bursar as it is shipped."""
    return office.serve("http", **LOGGING)


def single(office: Office) -> AbstractContextManager[Process]:
    """Run Bursar with each unit of work committed alone."""
    return office.serve("http", ADAPTERS__COMMITS="single", **LOGGING)


def http_alone(office: Office) -> AbstractContextManager[Process]:
    """Run Bursar without what it does."""
    words = [sys.executable, "-m", "benchmarks.http_alone", "serve"]
    return office.run(words, office.environment(SERVE="http", **LOGGING))


@contextmanager
def peer(office: Office) -> Iterator[Process]:
    """Run the usual stack, with uvicorn's own log of requests."""
    server = office.mysql
    url = URL.create("mysql+asyncmy", server.user, server.password, server.host, server.port, office.name)
    words = [sys.executable, "-m", "uvicorn", "benchmarks.peers.usual_stack:app", "--port", "0"]
    words += ["--loop", "uvloop", "--http", "httptools", "--no-server-header"]
    with office.run(words, {"PEER_DATABASE": url.render_as_string(hide_password=False)}) as process:
        yield process


CONTENDERS: Mapping[str, Callable[[Office], AbstractContextManager[Process]]] = {
    "bursar": bursar,
    "bursar, single commits": single,
    "peer": peer,
    "http alone": http_alone,
}


def load(process: Process, connections: int, seconds: float, calls: Calls) -> Any:
    """Let clients in a process of their own ask, and return what they saw; raise if somebody did wrong."""
    port = process.wait_until_ready().rpartition(":")[2]
    words = [sys.executable, "-m", "benchmarks.closed_loop_load", port, str(connections), str(seconds)]
    done = subprocess.run(words, input=calls.dumped(), capture_output=True, check=True, text=True, timeout=120)  # noqa: S603 - ours
    found = json.loads(done.stdout)
    if not set(found["answers"]) <= {"200", "201", "503"}:  # whoever is asked too much may say so
        raise RuntimeError(f"the answers were not what they should be: {found}")
    return found


def submit(process: Process, connections: int, schedule: str, names: Sequence[str]) -> Any:
    """Let candidates submit, some to warm up and the others to be measured; refuse to let anybody do it twice."""
    calls, seconds = submitting(schedule, names), len(names) / MAX_SUBMISSIONS_PER_SECOND
    warm = sum(load(process, connections, seconds / 3, calls)["answers"].values()) + connections
    found = load(process, connections, seconds, submitting(schedule, names[warm:]))
    if warm + sum(found["answers"].values()) > len(names):
        raise RuntimeError(f"there were too few candidates: {found}")
    return found


def submitting(schedule: str, names: Sequence[str]) -> Calls:
    """Return each candidate's submission."""
    fee = {"schedule": schedule, "registration": NAME, "papers": ["041", "042"]}
    return Calls(names, "/v1/exam-fees", json.dumps(fee), f"{schedule}-{NAME}")

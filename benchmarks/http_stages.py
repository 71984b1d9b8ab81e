"""The stages of HTTP: submissions compared with other servers, and other requests."""

import random
import subprocess
import time
from contextlib import ExitStack
from dataclasses import replace
from statistics import median
from urllib.request import urlopen

from benchmarks import mysql_alone, seed
from benchmarks.closed_loop_load import NAME, Calls
from benchmarks.contenders import (
    CONTENDERS,
    LOGGING,
    MAX_SUBMISSIONS_PER_SECOND,
    bursar,
    http_alone,
    load,
    submit,
    submitting,
)
from benchmarks.environment import ALL_TRANSPORTS, BenchmarkEnvironment, Figures, Process, benchmark_environment
from benchmarks.installed import installed
from tests.containers import free_port

CONNECTION_COUNTS = (1, 16, 64, 256)
"""The numbers of connections for submissions."""
CONNECTION_COUNT = 64
"""The number of connections for all other requests."""
FEW_STORED, TURNS = 1_000, 5
SPREAD_FACTOR = 80
"""One of so many students submits during the measurement; the others have submitted before."""
IMPORT = """import time
began = time.perf_counter()
import entrypoints.__main__
print(time.perf_counter() - began)"""


def submissions(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure submissions to each contender in turn, at several numbers of connections, and inserts into MySQL."""
    turns = {(count, name): f"load-{count}-{at}" for count in CONNECTION_COUNTS for at, name in enumerate(CONTENDERS)}
    names = seed.candidates(environment, number, *turns.values())
    figures, refused = dict[str, float](), dict.fromkeys(CONTENDERS, 0.0)
    with ExitStack() as running:
        servers = {name: running.enter_context(serve(environment)) for name, serve in CONTENDERS.items()}
        for (count, name), schedule in turns.items():
            found = submit(servers[name], count, schedule, names)
            figures |= {
                f"submissions/s, {count} connections, {name}": found["rate"],
                f"submission p50 ms, {count} connections, {name}": found["p50_ms"],
                f"submission p99 ms, {count} connections, {name}": found["p99_ms"],
            }
            refused[name] = max(refused[name], found["refused"] * 100)
            figures["client, us of CPU a request"] = found["client_us"]  # of the last contender, which is the fastest
        figures |= {f"peak MiB, {name}": server.peak_mib() for name, server in servers.items()}
        figures |= {f"refused % at worst, {name}": percent for name, percent in refused.items()}
    return figures | {"submissions/s, mysql alone": mysql_alone.inserted(environment, max(number // 4_000, 4))}


def reading(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure reads of submissions by id, in turn with HTTP alone, and quotes."""
    names, seconds = seed.candidates(environment, number, "load"), number / MAX_SUBMISSIONS_PER_SECOND
    with bursar(environment) as ours, http_alone(environment) as stub:
        submit(ours, CONNECTION_COUNT, "load", names)
        ids = [name for (name,) in environment.sql("SELECT BIN_TO_UUID(id) FROM submissions LIMIT 1000")]
        shown, quoted = Calls(ids, f"/v1/exam-fees/{NAME}"), replace(submitting("load", names), path="/v1/quotes")
        contenders: dict[str, tuple[Process, Calls]] = {
            "reads by id/s": (ours, shown),
            "reads by id/s, http alone": (stub, shown),
            "quotes/s": (ours, quoted),
        }
        rates: dict[str, list[float]] = {what: [] for what in contenders}
        for turn in range(1 + TURNS):
            for what, (process, calls) in contenders.items() if turn % 2 else reversed(contenders.items()):
                rates[what].append(load(process, CONNECTION_COUNT, seconds / 3, calls)["rate"])
    found = {what: measured[1:] for what, measured in rates.items()}  # the first turn is the warm-up
    reads = zip(found["reads by id/s"], found["reads by id/s, http alone"], strict=True)
    figures = {what: median(measured) for what, measured in found.items()}
    return figures | {"reads by id / http alone": median(ours / alone for ours, alone in reads)}


def embedded(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure submissions on SQLite: HTTP alone, and all transports in one process."""
    figures: dict[str, float] = {}
    for transports, name in (("http", "HTTP alone"), (ALL_TRANSPORTS, "everything in one process")):
        path = str(environment.folder / f"{len(transports)}.db")
        sqlite = {"ADAPTERS__PERSISTENCE": "sqlite", "SQLITE__PATH": path}
        small = replace(environment, changes=sqlite, credentials=[])
        names = seed.roster(small, number, "load")
        with small.serve(transports, **LOGGING) as process:
            found = submit(process, CONNECTION_COUNT, "load", names)
        figures |= {f"embedded, {name}, submissions/s": found["rate"], f"embedded, {name}, p99 ms": found["p99_ms"]}
    return figures


def start(environment: BenchmarkEnvironment, _number: int) -> Figures:
    """Measure the seconds until `bursar serve` responds, and those of the command line and of `bursar --help`."""
    port, began = free_port(), time.perf_counter()
    with environment.serve("http", HTTP__PORT=str(port)):
        while not answers(port):
            time.sleep(0.005)
        took = time.perf_counter() - began
    words = [installed("python"), "-c", IMPORT]
    imported = float(subprocess.run(words, capture_output=True, check=True, timeout=60).stdout)  # noqa: S603
    began = time.perf_counter()
    subprocess.run([installed("bursar"), "--help"], capture_output=True, check=True, timeout=60)  # noqa: S603 - ours
    return {"bursar serve answers, s": took, "import, s": imported, "bursar --help, s": time.perf_counter() - began}


def depth(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure submissions with few stored ones and with very many, spread among the candidates."""
    turns = [f"load-{at}" for at in range(TURNS)]
    with benchmark_environment(environment.mysql, None) as small:
        for each, stored in ((small, FEW_STORED), (environment, number)):
            names = seed.candidates(each, number // SPREAD_FACTOR, *turns, apart=SPREAD_FACTOR)
            seed.submissions(each, stored, number)
        random.Random(1).shuffle(names)  # noqa: S311 - not a secret
        with bursar(small) as few, bursar(environment) as many:
            pairs = [
                [submit(process, CONNECTION_COUNT, turn, names)["rate"] for process in (few, many)] for turn in turns
            ]
    return {
        f"submissions/s with {FEW_STORED:,} stored": median(pair[0] for pair in pairs),
        f"submissions/s with {number:,} stored": median(pair[1] for pair in pairs),
        "many stored / few": median(pair[1] / pair[0] for pair in pairs),
    }


def answers(port: int) -> bool:
    """Return whether the process is live."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/health/live", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False

"""The stages of what is asked over HTTP: submissions beside what others make of them, and the rest by itself."""

import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from statistics import median
from urllib.request import urlopen

from benchmarks import mysql_alone, seed
from benchmarks.closed_loop_load import NAME, Calls
from benchmarks.contenders import CONTENDERS, LOGGING, MAX_SUBMISSIONS_PER_SECOND, bursar, load, submit, submitting
from benchmarks.environment import ALL_TRANSPORTS, Figures, Office, benchmark_environment
from tests.containers import free_port

CONNECTION_COUNTS = (1, 16, 64, 256)
"""From how many connections submissions come."""
CONNECTION_COUNT = 64
"""From how many everything else comes."""
FEW_STORED, TURNS = 1_000, 5
SPREAD_FACTOR = 80
"""Of so many students one submits while it is measured, and the others did before."""
IMPORT = """import sys, time
sys.modules["fastapi"] = None  # only we have the usual stack beside it, and the container library imports what it finds
began = time.perf_counter()
import entrypoints.__main__
print(time.perf_counter() - began)"""


def submissions(office: Office, number: int) -> Figures:
    """Submit to everybody in turn, from few connections and from many, and insert into the database alone."""
    turns = {(count, name): f"load-{count}-{at}" for count in CONNECTION_COUNTS for at, name in enumerate(CONTENDERS)}
    names = seed.candidates(office, number, *turns.values())
    figures, refused = dict[str, float](), dict.fromkeys(CONTENDERS, 0.0)
    with ExitStack() as running:
        servers = {name: running.enter_context(serve(office)) for name, serve in CONTENDERS.items()}
        for (count, name), schedule in turns.items():
            found = submit(servers[name], count, schedule, names)
            figures |= {
                f"submissions/s, {count} connections, {name}": found["rate"],
                f"submission p50 ms, {count} connections, {name}": found["p50_ms"],
                f"submission p99 ms, {count} connections, {name}": found["p99_ms"],
            }
            refused[name] = max(refused[name], found["refused"] * 100)
            figures["client, us of CPU a request"] = found["client_us"]  # of the last, who is the fastest
        figures |= {f"peak MiB, {name}": server.peak_mib() for name, server in servers.items()}
        figures |= {f"refused % at worst, {name}": percent for name, percent in refused.items()}
    return figures | {"submissions/s, mysql alone": mysql_alone.inserted(office, max(number // 4_000, 4))}


def reading(office: Office, number: int) -> Figures:
    """Show submissions by their ids, and quote without storing."""
    names, seconds = seed.candidates(office, number, "load"), number / MAX_SUBMISSIONS_PER_SECOND
    with bursar(office) as process:
        submit(process, CONNECTION_COUNT, "load", names)
        ids = [name for (name,) in office.sql("SELECT BIN_TO_UUID(id) FROM submissions LIMIT 1000")]
        shown = Calls(ids, f"/v1/exam-fees/{NAME}")
        quoted = replace(submitting("load", names), path="/v1/quotes")
        return {
            f"{what}/s": [load(process, CONNECTION_COUNT, part, calls) for part in (seconds / 3, seconds)][1]["rate"]
            for what, calls in (("reads by id", shown), ("quotes", quoted))
        }


def workers(office: Office, number: int) -> Figures:
    """Submit to one process, and to two at once with as many connections each."""
    names = seed.candidates(office, number, "alone", "shared")
    half = len(names) // 2
    with bursar(office) as one, bursar(office) as other, ThreadPoolExecutor() as both:
        alone = submit(one, CONNECTION_COUNT, "alone", names[:half])["rate"]
        parts = (one, names[:half]), (other, names[half:])
        running = [both.submit(submit, process, CONNECTION_COUNT, "shared", part) for process, part in parts]
        shared = sum(each.result()["rate"] for each in running)
    return {
        "one worker, submissions/s": alone,
        "two workers, submissions/s": shared,
        "two workers / one": shared / alone,
    }


def embedded(office: Office, number: int) -> Figures:
    """Submit to an office with a database in one file: HTTP alone, and with everything else in the same process."""
    figures: dict[str, float] = {}
    for transports, name in (("http", "HTTP alone"), (ALL_TRANSPORTS, "everything in one process")):
        path = str(office.folder / f"{len(transports)}.db")
        small = replace(office, changes={"ADAPTERS__PERSISTENCE": "sqlite", "SQLITE__PATH": path})
        names = seed.roster(small, number, "load")
        with small.serve(transports, **LOGGING) as process:
            found = submit(process, CONNECTION_COUNT, "load", names)
        figures |= {f"embedded, {name}, submissions/s": found["rate"], f"embedded, {name}, p99 ms": found["p99_ms"]}
    return figures


def start(office: Office, _number: int) -> Figures:
    """Take the seconds until `bursar serve` answers, and those that the import takes of it."""
    port, began = free_port(), time.perf_counter()
    with office.serve("http", HTTP__PORT=str(port)):
        while not answers(port):
            time.sleep(0.005)
        took = time.perf_counter() - began
    words = [sys.executable, "-c", IMPORT]
    imported = float(subprocess.run(words, capture_output=True, check=True, timeout=60).stdout)  # noqa: S603 - ours
    return {"bursar serve answers, s": took, "import, s": imported}


def depth(office: Office, number: int) -> Figures:
    """Submit in turn where few have submitted before and where very many have, spread among the candidates."""
    turns = [f"load-{at}" for at in range(TURNS)]
    with benchmark_environment(office.mysql, None) as small:
        for each, stored in ((small, FEW_STORED), (office, number)):
            names = seed.candidates(each, number // SPREAD_FACTOR, *turns, apart=SPREAD_FACTOR)
            seed.submissions(each, stored, number)
        random.Random(1).shuffle(names)  # noqa: S311 - no secret
        with bursar(small) as few, bursar(office) as many:
            pairs = [
                [submit(process, CONNECTION_COUNT, turn, names)["rate"] for process in (few, many)] for turn in turns
            ]
    return {
        f"submissions/s with {FEW_STORED:,} stored": median(pair[0] for pair in pairs),
        f"submissions/s with {number:,} stored": median(pair[1] for pair in pairs),
        "many stored / few": median(pair[1] / pair[0] for pair in pairs),
    }


def answers(port: int) -> bool:
    """Return whether the process says that it runs."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/health/live", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False

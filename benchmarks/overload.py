"""`just flood`: ten times the capacity of one worker for ten minutes; measures served and rejected submissions."""

import asyncio
import json
import os
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

import typer
from aiohttp import ClientSession, ClientTimeout

from benchmarks import seed
from benchmarks.environment import BenchmarkEnvironment, Process, create_schema_and_topics
from benchmarks.open_loop_load import API_KEYS_VARIABLE, quantile
from tests import containers as stack
from tests.e2e.gateways import Setup, gateway

Through = Literal["nothing", "traefik", "envoy"]
UNREACHED_RATE = 1_000_000
"""Requests a second of one address: one machine sends what a country does."""
SECRET = "only for this benchmark, and not for you"  # noqa: S105
CANDIDATE_COUNT = 1_000_000
PROBE_INTERVAL_SECONDS = 0.2
PROBED_ROUTES: Sequence[tuple[str, str, object]] = (
    ("GET", "/health/live", None),
    ("GET", "/health/ready", None),
    ("GET", "/v1/students/T-1/exam-fees", None),
    ("POST", "/v1/quotes", {"schedule": "sahyadri-test", "registration": "T-1"}),
)
BUCKET = re.compile(r'bursar_http_seconds_bucket\{le="(.+?)",method="POST",route="/v1/exam-fees",status="503"\} (\S+)')


def main(
    minutes: float = 10.0,
    rate: Annotated[int, typer.Option(help="Submissions a second that are tried, whatever the answers.")] = 10_000,
    connections: int = 640,
    workers: int = 1,
    through: Annotated[Through, typer.Option(help="The gateway between clients and server.")] = "nothing",
) -> None:
    """Flood a server on MySQL, and print the results as JSON."""
    with stack.mysql() as mysql, TemporaryDirectory() as folder:
        environment = BenchmarkEnvironment(mysql, "", Path(folder))
        environment.sql(f"CREATE DATABASE {environment.name}", database="")
        try:
            environment.prepare(create_schema_and_topics)
            environment.prepare(environment.create_credentials)
            seed.candidates(environment, round(CANDIDATE_COUNT * min(1.0, minutes / 10)), "sahyadri-test")
            changes = {"HTTP__WORKERS": str(workers), "ADMISSION__SECRET": SECRET, "ADAPTERS__EVENTS": "embedded"}
            changes |= {"TELEMETRY__LEVEL": "info", "TELEMETRY__LOG_FORMAT": "json"}
            changes |= {} if through == "nothing" else {"HTTP__TRUSTED_PROXIES": "1"}
            with (
                environment.serve("http", **changes) as process,
                front(through, process.wait_until_ready(), Path(folder)) as url,
            ):
                found = asyncio.run(measure(process, url, minutes * 60, rate, connections))
            found["stored"] = environment.sql("SELECT COUNT(*) FROM submissions")[0][0]
            found["stored with an earlier moment"] = environment.sql(
                "SELECT COUNT(*) FROM submissions JOIN event_log ON aggregate_id = submissions.id"
                " WHERE at > received_at + INTERVAL 900000 MICROSECOND"
            )[0][0]
        finally:
            environment.sql(f"DROP DATABASE {environment.name}", database="")
    typer.echo(json.dumps(found, indent=2))


@contextmanager
def front(through: Through, server: str, folder: Path) -> Iterator[str]:
    """Run a gateway in front of a server; yield the address that clients use."""
    if through == "nothing":
        yield server
        return
    setup = Setup((int(server.rpartition(":")[2]),), rate=UNREACHED_RATE, burst=UNREACHED_RATE)
    with gateway(through, folder, setup) as client:
        yield str(client.base_url).rstrip("/")


async def measure(process: Process, url: str, seconds: float, rate: int, connections: int) -> dict[str, Any]:
    """Run the load generator, and monitor the server meanwhile."""
    memory = [resident_mib(process)]
    sender = {"Authorization": f"Bearer {process.credentials[0]}"}
    variables = {**os.environ, API_KEYS_VARIABLE: " ".join(process.credentials)}
    async with ClientSession(url, timeout=ClientTimeout(10), headers=sender) as client:
        words = [url.rpartition(":")[2], str(connections), str(rate), str(seconds), "1"]
        pipe = asyncio.subprocess.PIPE
        crowd = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.open_loop_load", *words, stdout=pipe, env=variables
        )
        found: dict[str, Any] = {}
        looking = asyncio.create_task(probe_other_routes(client, process, memory, found))
        out, _ = await crowd.communicate()
        looking.cancel()
        await asyncio.wait({looking})
    async with ClientSession(process.wait_until_ready()) as inside:
        buckets = BUCKET.findall(await (await inside.get("/metrics")).text())
    counts = {float(bound): float(count) for bound, count in buckets}
    within = {f"{bound:g} s": round(count / counts[float("inf")], 4) for bound, count in counts.items() if bound < 1}
    memory.append(resident_mib(process))
    return {"clients saw": json.loads(out), "503s the server took within": within, "resident MiB": memory, **found}


async def probe_other_routes(
    client: ClientSession, process: Process, memory: list[float], found: dict[str, Any]
) -> None:
    """Request the routes that must stay available, and record the memory each minute."""
    took, statuses, began = defaultdict[str, list[float]](list), Counter[str](), time.monotonic()
    try:
        while True:
            for method, path, body in PROBED_ROUTES:
                asked = time.perf_counter()
                async with client.request(method, path, json=body) as answer:
                    await answer.read()
                took[path].append((time.perf_counter() - asked) * 1_000)
                statuses[f"{answer.status} {path}"] += 1
            if time.monotonic() - began > 60 * len(memory):
                memory.append(resident_mib(process))
            await asyncio.sleep(PROBE_INTERVAL_SECONDS)
    finally:
        p99 = {path: quantile(values, 0.99) for path, values in took.items()}
        found |= {"meanwhile": statuses, "meanwhile p99 ms": p99}


def resident_mib(process: Process) -> float:
    """Return the resident memory in bytes."""
    status = Path(f"/proc/{process.popen.pid}/status").read_text(encoding="utf-8")
    return round(int(status.partition("VmRSS:")[2].split()[0]) / 1024, 1)


if __name__ == "__main__":
    typer.run(main)

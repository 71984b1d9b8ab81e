"""The stage of traces: what spans cost a relay and a consumer in processor time, whatever else the machine does."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from benchmarks import seed
from benchmarks.environment import BenchmarkEnvironment, Figures, cpu_seconds

SAMPLED = 0.01
TURNS = (False, True, True, False)
"""Without traces and with them, in an order that cancels a steady change of the machine."""
JOINING_SECONDS = 6
"""Until the consumer has its partitions and both processes are idle."""
ROLES = ("consumer", "relay")


def traces(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure the processor time for events of which every hundredth is traced, in relation to that without traces."""
    seed.events(environment, number)
    sample(environment)
    took: defaultdict[tuple[str, bool], float] = defaultdict(float)
    with a_collector() as endpoint:
        for traced in TURNS:
            for role, seconds in one_turn(environment, number, endpoint if traced else "").items():
                took[role, traced] += seconds
    ratios = {f"{role}, CPU with traces of 1 % / without": took[role, True] / took[role, False] for role in ROLES}
    return ratios | {f"{role}, us of CPU an event": took[role, False] / 2 / number * 1e6 for role in ROLES}


def sample(environment: BenchmarkEnvironment) -> None:
    """Give each event a trace of its own, and empty the outbox."""
    span = "LEFT(SHA2(aggregate_id, 256), 16)"
    environment.sql(
        f"UPDATE event_log SET traceparent = CONCAT('00-', LEFT(SHA2(event_id, 256), 32), '-', {span},"  # noqa: S608
        f" IF(RAND() < {SAMPLED}, '-01', '-00'))"
    )
    environment.sql("DELETE FROM outbox")


def one_turn(environment: BenchmarkEnvironment, number: int, endpoint: str) -> Figures:
    """Return the seconds of processor time in which each role takes all events from the outbox to their effects."""
    for table in ("inbox", "deliveries"):
        environment.sql(f"DELETE FROM {table}")  # noqa: S608 - constant names
    settings = {"TELEMETRY__TRACES__ENDPOINT": endpoint, "TELEMETRY__TRACES__SAMPLING_RATIO": str(SAMPLED)}
    with environment.serve("consumer", **settings) as consumer, environment.serve("relay", **settings) as relay:
        processes = {"consumer": consumer, "relay": relay}
        for each in processes.values():
            each.wait_until_ready()
        time.sleep(JOINING_SECONDS)
        before = {role: cpu_seconds(process.popen.pid) for role, process in processes.items()}
        environment.sql(
            "INSERT INTO outbox (event_id, shard) SELECT event_id, CRC32(aggregate_id) % 64 FROM event_log"
            " ORDER BY event_id"
        )
        consumer.until(lambda: environment.sql("SELECT COUNT(*) FROM inbox")[0][0] == number)
        return {role: cpu_seconds(process.popen.pid) - before[role] for role, process in processes.items()}


class Collector(BaseHTTPRequestHandler):
    """Takes spans, and forgets them."""

    def do_POST(self) -> None:
        """Answer 200."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write no line for each request."""


@contextmanager
def a_collector() -> Iterator[str]:
    """Run a collector, and yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()

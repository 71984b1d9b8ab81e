"""The stages between a commit and the vendor, each measured in a process of its own."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from statistics import median, quantiles

from aiohttp import ClientSession
from aiokafka import AIOKafkaConsumer

from benchmarks import seed
from benchmarks.environment import ALL_TRANSPORTS, BenchmarkEnvironment, Figures, Process
from config.container import Application
from core.messaging.message import topic_of
from entrypoints.relay.relay import Relay
from tests.containers import free_port
from tests.examples import a_submission

WARM_UP, IDLE_SECONDS = 5, 20
COMMITS, PAUSE = 100, 0.1
SUBMISSIONS_PER_SECOND = 40
DELIVERY_LATENCY_QUERY = """SELECT TIMESTAMPDIFF(MICROSECOND, event_log.at, delivery_attempts.at) / 1e3
    FROM delivery_attempts JOIN deliveries ON deliveries.id = delivery_id
    JOIN event_log ON event_log.event_id = deliveries.notice_id WHERE channel = 'email' ORDER BY delivery_attempts.at"""


def relay(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure events per second from the outbox to the broker."""
    return {f"relay{on_broker(environment)}, events/s": drain(environment, number)["events/s"]}


def backlog(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure the relay with a large backlog, and compare the rates of its first and last tenth."""
    found = drain(environment, number)
    return {f"backlog, {name}": value for name, value in found.items()}


def consumer(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure `FeeSubmitted` messages per second from the broker into the inbox and deliveries."""
    drain(environment, number)
    with environment.serve("consumer") as process:
        process.until(lambda: environment.sql("SELECT COUNT(*) FROM inbox")[0][0] == number)
    return {f"consumer{on_broker(environment)}, effects/s": pace(environment, "inbox")}


def dispatcher(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure deliveries per second to a vendor that responds at once and accepts many concurrent calls."""
    seed.deliveries(environment, number)
    waiting = "SELECT COUNT(*) FROM deliveries WHERE state IN ('pending', 'sending')"
    many = {"RESILIENCE__CONCURRENCY": "64"}
    with a_vendor() as twilio, environment.serve("dispatcher", **twilio, **many) as process:
        process.until(lambda: environment.sql(waiting)[0][0] == 0)
    return {"dispatcher, deliveries/s": pace(environment, "delivery_attempts")}


def bulkhead(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure the latency of submissions and of their e-mails while Twilio works and while it hangs."""
    figures: dict[str, float] = {}
    for turn, behaviour in enumerate(("is well", "hangs"), 1):
        with a_vendor(behaviour) as twilio, environment.serve(ALL_TRANSPORTS, PROVISION="true", **twilio) as process:
            submissions = asyncio.run(submitting(process, f"T{turn}", number))
            process.until(lambda: len(environment.sql(DELIVERY_LATENCY_QUERY)) == turn * number)  # noqa: B023 - called within the iteration
        told = [float(took) for (took,) in environment.sql(DELIVERY_LATENCY_QUERY)[-number:]]
        figures |= {
            f"submission p50 ms, Twilio {behaviour}": median(submissions),
            f"submission p99 ms, Twilio {behaviour}": quantiles(submissions, n=100)[-1],
            f"submission to e-mail p50 ms, Twilio {behaviour}": median(told),
            f"submission to e-mail p99 ms, Twilio {behaviour}": quantiles(told, n=100)[-1],
        }
    return figures


async def submitting(process: Process, group: str, number: int) -> list[float]:
    """Submit at a constant rate, independent of responses, and return the latencies in milliseconds."""
    took: list[float] = []

    async def submit(name: str) -> None:
        began = time.perf_counter()
        fee = {"schedule": "sahyadri-semester", "registration": name}
        async with client.post("/v1/exam-fees", json=fee, headers={"Idempotency-Key": name}) as answer:
            await answer.read()
            answer.raise_for_status()
        took.append((time.perf_counter() - began) * 1_000)

    names = [f"{group}-{name}" for name in range(number)]
    roster = [f"{name},A Candidate,student,{name}@example.org,+9190{at:08}" for at, name in enumerate(names)]
    url, sender = process.wait_until_ready(), {"Authorization": f"Bearer {process.credentials[0]}"}
    async with ClientSession(url, headers=sender) as client, asyncio.TaskGroup() as tasks:
        text = "\n".join(["registration,name,category,email,phone", *roster])
        async with client.post("/v1/students:import", data=text, headers={"Content-Type": "text/csv"}) as answer:
            answer.raise_for_status()
        begin = asyncio.get_running_loop().time()
        for at, name in enumerate(names):
            await asyncio.sleep(begin + at / SUBMISSIONS_PER_SECOND - asyncio.get_running_loop().time())
            tasks.create_task(submit(name))
    return took


def latency(environment: BenchmarkEnvironment, _number: int) -> Figures:
    """Measure the milliseconds from a commit to a Kafka consumer in an idle system."""
    took: list[float] = []

    async def commit_and_listen(application: Application) -> None:
        messaging, process, stop = application.messaging, application.process, asyncio.Event()
        relay = Relay(messaging.outbox(), messaging.publisher(), process.signals(), process.clock())
        topic = f"{environment.name}.{topic_of('fees')}"
        # a fetch without the partition would delay the record
        patience = {"fetch_max_wait_ms": 5}
        kafka = AIOKafkaConsumer(topic, bootstrap_servers=environment.kafka, auto_offset_reset="earliest", **patience)
        await kafka.start()
        relaying = asyncio.create_task(relay.run(stop))
        for _ in range(COMMITS):
            await asyncio.sleep(PAUSE)
            async with application.storage.new_work() as work:
                work.record(a_submission()[1])
                await work.commit()
            committed = time.perf_counter()
            await kafka.getone()
            took.append((time.perf_counter() - committed) * 1_000)
        stop.set()
        await relaying
        await kafka.stop()

    environment.prepare(commit_and_listen)
    return {"commit to broker, median ms": median(took), "commit to broker, p95 ms": quantiles(took, n=20)[-1]}


def idle(environment: BenchmarkEnvironment, _number: int) -> Figures:
    """Count the statements per second of an idle system."""
    user = environment.name
    environment.sql(f"CREATE USER {user} IDENTIFIED BY '{user}'")
    environment.sql(f"GRANT ALL ON {environment.name}.* TO {user}")
    try:
        with environment.serve(ALL_TRANSPORTS, MYSQL__USER=user, MYSQL__PASSWORD=user) as process:
            process.wait_until_ready()
            time.sleep(WARM_UP)
            before = statements(environment, user)
            time.sleep(IDLE_SECONDS)
            return {"idle, queries/s": (statements(environment, user) - before) / IDLE_SECONDS}
    finally:
        environment.sql(f"DROP USER {user}")


def drain(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Publish a number of events with one relay, and compute its rates from the table `publications`."""
    seed.events(environment, number)
    with environment.serve("relay") as process:
        process.until(lambda: not environment.sql("SELECT 1 FROM outbox LIMIT 1"))
        peak = process.peak_mib()
    batches = environment.sql("SELECT at, COUNT(*) FROM publications GROUP BY at ORDER BY at")
    spans = [((after - at).total_seconds(), count) for (at, count), (after, _) in pairwise(batches)]
    tenth = max(len(spans) // 10, 1)
    return {
        "events/s": rate(spans),
        "peak MiB": peak,
        "last tenth per row / first tenth": rate(spans[:tenth]) / rate(spans[-tenth:]),
    }


def on_broker(environment: BenchmarkEnvironment) -> str:
    """Return what the name of a figure says of the broker, if it is not Kafka."""
    return " on RabbitMQ" if environment.rabbitmq else ""


def rate(spans: list[tuple[float, int]]) -> float:
    """Return rows per second over several batches."""
    return sum(count for _, count in spans) / sum(seconds for seconds, _ in spans)


def pace(environment: BenchmarkEnvironment, table: str) -> float:
    """Return rows per second between the first and the last moment of a table."""
    query = f"SELECT TIMESTAMPDIFF(MICROSECOND, MIN(at), MAX(at)) / 1e6, COUNT(*) FROM {table}"  # noqa: S608
    [(seconds, count)] = environment.sql(query)
    return float(count) / float(seconds)


def statements(environment: BenchmarkEnvironment, user: str) -> int:
    """Return the number of statements of a user, without pings."""
    table = "performance_schema.events_statements_summary_by_user_by_event_name"
    query = f"SELECT SUM(COUNT_STAR) FROM {table} WHERE USER = '{user}' AND EVENT_NAME <> 'statement/com/Ping'"  # noqa: S608
    return int(environment.sql(query)[0][0] or 0)


@contextmanager
def a_vendor(behaviour: str = "is well") -> Iterator[Mapping[str, str]]:
    """Run a local vendor, and yield the settings that use it for text messages."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.local_vendor", str(port), behaviour])  # noqa: S603 - fixed command
    try:
        while not is_open(port):
            time.sleep(0.05)
        yield {"ADAPTERS__SMS": "twilio", "TWILIO__URL": f"http://127.0.0.1:{port}", "TWILIO__ACCOUNT_SID": "AC1"}
    finally:
        process.kill()  # a hanging vendor does not end otherwise
        process.wait(timeout=10)


def is_open(port: int) -> bool:
    """Return whether a process listens on a port."""
    with socket.socket() as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == 0

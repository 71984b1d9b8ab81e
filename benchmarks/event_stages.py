"""The stages of the way from commit to vendor, each in a process of its own."""

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
from benchmarks.environment import ALL_TRANSPORTS, Figures, Office
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


def relay(office: Office, number: int) -> Figures:
    """Count events a second from the outbox into Kafka."""
    return {"relay, events/s": drain(office, number)["events/s"]}


def backlog(office: Office, number: int) -> Figures:
    """Do the same with very many, and tell whether the last are as fast as the first."""
    found = drain(office, number)
    return {f"backlog, {name}": value for name, value in found.items()}


def consumer(office: Office, number: int) -> Figures:
    """Count effects a second: `FeeSubmitted` from Kafka into inbox and deliveries."""
    drain(office, number)
    with office.serve("consumer") as process:
        process.until(lambda: office.sql("SELECT COUNT(*) FROM inbox")[0][0] == number)
    return {"consumer, effects/s": pace(office, "inbox")}


def dispatcher(office: Office, number: int) -> Figures:
    """Count deliveries a second to a vendor that answers at once and bears many calls at a time."""
    seed.deliveries(office, number)
    waiting = "SELECT COUNT(*) FROM deliveries WHERE state IN ('pending', 'sending')"
    many = {"RESILIENCE__CONCURRENCY": "64"}
    with a_vendor() as twilio, office.serve("dispatcher", **twilio, **many) as process:
        process.until(lambda: office.sql(waiting)[0][0] == 0)
    return {"dispatcher, deliveries/s": pace(office, "delivery_attempts")}


def bulkhead(office: Office, number: int) -> Figures:
    """Take the milliseconds of submissions, and from them to their e-mails, while Twilio is well and while it hangs."""
    figures: dict[str, float] = {}
    for turn, mood in enumerate(("is well", "hangs"), 1):
        with a_vendor(mood) as twilio, office.serve(ALL_TRANSPORTS, PROVISION="true", **twilio) as process:
            submissions = asyncio.run(submitting(process.wait_until_ready(), f"T{turn}", number))
            process.until(lambda: len(office.sql(DELIVERY_LATENCY_QUERY)) == turn * number)  # noqa: B023 - at once
        told = [float(took) for (took,) in office.sql(DELIVERY_LATENCY_QUERY)[-number:]]
        figures |= {
            f"submission p50 ms, Twilio {mood}": median(submissions),
            f"submission p99 ms, Twilio {mood}": quantiles(submissions, n=100)[-1],
            f"submission to e-mail p50 ms, Twilio {mood}": median(told),
            f"submission to e-mail p99 ms, Twilio {mood}": quantiles(told, n=100)[-1],
        }
    return figures


async def submitting(url: str, group: str, number: int) -> list[float]:
    """Submit at a steady rate whatever the answers take, and return their milliseconds."""
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
    async with ClientSession(url) as client, asyncio.TaskGroup() as tasks:
        text = "\n".join(["registration,name,category,email,phone", *roster])
        async with client.post("/v1/students:import", data=text, headers={"Content-Type": "text/csv"}) as answer:
            answer.raise_for_status()
        begin = asyncio.get_running_loop().time()
        for at, name in enumerate(names):
            await asyncio.sleep(begin + at / SUBMISSIONS_PER_SECOND - asyncio.get_running_loop().time())
            tasks.create_task(submit(name))
    return took


def latency(office: Office, _number: int) -> Figures:
    """Take the milliseconds from a commit until a Kafka consumer has the event in hand, when nothing else goes on."""
    took: list[float] = []

    async def commit_and_listen(application: Application) -> None:
        driven, stop = application.driven, asyncio.Event()
        relay = Relay(driven.outbox(), driven.publisher(), driven.signals(), driven.clock())
        topic = f"{office.name}.{topic_of('fees')}"
        # a fetch that left out the partition concerned must not be waited for
        patience = {"fetch_max_wait_ms": 5}
        kafka = AIOKafkaConsumer(topic, bootstrap_servers=office.kafka, auto_offset_reset="earliest", **patience)
        await kafka.start()
        relaying = asyncio.create_task(relay.run(stop))
        for _ in range(COMMITS):
            await asyncio.sleep(PAUSE)
            async with driven.new_work() as work:
                work.record(a_submission()[1])
                await work.commit()
            committed = time.perf_counter()
            await kafka.getone()
            took.append((time.perf_counter() - committed) * 1_000)
        stop.set()
        await relaying
        await kafka.stop()

    office.prepare(commit_and_listen)
    return {"commit to broker, median ms": median(took), "commit to broker, p95 ms": quantiles(took, n=20)[-1]}


def idle(office: Office, _number: int) -> Figures:
    """Count the statements a second of a whole office in which nothing happens."""
    user = office.name
    office.sql(f"CREATE USER {user} IDENTIFIED BY '{user}'")
    office.sql(f"GRANT ALL ON {office.name}.* TO {user}")
    try:
        with office.serve(ALL_TRANSPORTS, MYSQL__USER=user, MYSQL__PASSWORD=user) as process:
            process.wait_until_ready()
            time.sleep(WARM_UP)
            before = statements(office, user)
            time.sleep(IDLE_SECONDS)
            return {"idle, queries/s": (statements(office, user) - before) / IDLE_SECONDS}
    finally:
        office.sql(f"DROP USER {user}")


def drain(office: Office, number: int) -> Figures:
    """Let one relay publish so many events, and tell how it went by what it wrote down itself."""
    seed.events(office, number)
    with office.serve("relay") as process:
        process.until(lambda: not office.sql("SELECT 1 FROM outbox LIMIT 1"))
        peak = process.peak_mib()
    batches = office.sql("SELECT at, COUNT(*) FROM publications GROUP BY at ORDER BY at")
    spans = [((after - at).total_seconds(), count) for (at, count), (after, _) in pairwise(batches)]
    tenth = max(len(spans) // 10, 1)
    return {
        "events/s": rate(spans),
        "peak MiB": peak,
        "last tenth per row / first tenth": rate(spans[:tenth]) / rate(spans[-tenth:]),
    }


def rate(spans: list[tuple[float, int]]) -> float:
    """Return rows a second over several batches."""
    return sum(count for _, count in spans) / sum(seconds for seconds, _ in spans)


def pace(office: Office, table: str) -> float:
    """Return rows a second between the first and the last moment of a table."""
    [(seconds, count)] = office.sql(f"SELECT TIMESTAMPDIFF(MICROSECOND, MIN(at), MAX(at)) / 1e6, COUNT(*) FROM {table}")  # noqa: S608
    return float(count) / float(seconds)


def statements(office: Office, user: str) -> int:
    """Return how many statements a user has had executed; a ping is none."""
    table = "performance_schema.events_statements_summary_by_user_by_event_name"
    query = f"SELECT SUM(COUNT_STAR) FROM {table} WHERE USER = '{user}' AND EVENT_NAME <> 'statement/com/Ping'"  # noqa: S608
    return int(office.sql(query)[0][0] or 0)


@contextmanager
def a_vendor(mood: str = "is well") -> Iterator[Mapping[str, str]]:
    """Run a local vendor, and return the settings that send text messages to it."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.local_vendor", str(port), mood])  # noqa: S603 - our own command
    try:
        while not is_open(port):
            time.sleep(0.05)
        yield {"ADAPTERS__SMS": "twilio", "TWILIO__URL": f"http://127.0.0.1:{port}", "TWILIO__ACCOUNT_SID": "AC1"}
    finally:
        process.kill()  # one that hangs would not end otherwise
        process.wait(timeout=10)


def is_open(port: int) -> bool:
    """Return whether somebody listens."""
    with socket.socket() as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == 0

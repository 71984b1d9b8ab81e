"""The stages of inventory: allocations over HTTP, by messages, and by processes that contend for the same skus."""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from benchmarks.closed_loop_load import NAME, Calls
from benchmarks.contenders import LOGGING, MAX_SUBMISSIONS_PER_SECOND, bursar, load
from benchmarks.environment import BenchmarkEnvironment, Figures
from benchmarks.event_stages import pace
from config.container import Application
from core.inventory.create_batch import Purchase
from core.kernel.idempotency import RequestContext
from core.messaging.message import topic_of

SKUS, CONNECTION_COUNT, PIECES = 1_000, 64, 1_000_000
HOT = "S0"
MEASUREMENT_MILLISECONDS = 8_000
CONTENTION_CASES = [(how, together, skus) for skus in (1, SKUS) for how in ("lock", "versions") for together in (1, 32)]


def stocked(environment: BenchmarkEnvironment, number: int) -> None:
    """Create batches with more stock than the measurement allocates."""

    async def buy(application: Application) -> None:
        create = application.use_cases().inventory.create_batch
        for sku in range(number):
            purchase = Purchase(reference=f"B{sku}", sku=f"S{sku}", quantity=PIECES)
            await create(purchase, RequestContext(arrived=datetime.now(UTC)))

    environment.prepare(buy)


def allocations(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure allocations over HTTP, each for another order, of a thousand skus and of one."""
    stocked(environment, SKUS)
    figures: dict[str, float] = {}
    with bursar(environment) as process:
        for what, skus in (("1,000 skus", SKUS), ("one sku", 1)):
            for part, seconds in (("warm", 2.0), ("measured", number / MAX_SUBMISSIONS_PER_SECOND)):
                # each name is the rest of a body: the sku, then the order
                names = [
                    f'S{each % skus}","order":"{part}-{skus}-{each}'
                    for each in range(int(seconds * MAX_SUBMISSIONS_PER_SECOND / 4))
                ]
                calls = Calls(names, "/v1/allocations", f'{{"quantity":1,"sku":"{NAME}"}}', uuid4().hex[:8] + NAME)
                found = load(process, CONNECTION_COUNT, seconds, calls)
            figures |= {
                f"allocations/s, HTTP, {what}": found["rate"],
                f"allocation p50 ms, HTTP, {what}": found["p50_ms"],
                f"allocation p99 ms, HTTP, {what}": found["p99_ms"],
            }
    return figures


def hot_sku(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure allocations of one sku by messages with one key, and therefore of one partition."""
    stocked(environment, 1)
    asyncio.run(command(environment, number))
    with environment.serve("consumer", **LOGGING) as process:
        process.until(lambda: environment.sql("SELECT COUNT(*) FROM inbox")[0][0] == number)
    [(available, lines)] = environment.sql("SELECT available, (SELECT COUNT(*) FROM order_lines) FROM batches")
    if (PIECES - available, lines) != (number, number):
        raise RuntimeError(f"{number} were wanted, {PIECES - available} are gone, {lines} lines are there")
    return {"allocations/s, messages, one sku": pace(environment, "inbox")}


async def command(environment: BenchmarkEnvironment, number: int) -> None:
    """Publish `Allocate` commands."""
    topic = f"{environment.name}.{topic_of('inventory.commands')}"
    producer = AIOKafkaProducer(bootstrap_servers=environment.kafka, linger_ms=20)
    await producer.start()
    sent = []
    for each in range(number):
        body = json.dumps({"order": f"o{each}", "sku": HOT, "quantity": 1}).encode()
        headers = [("ce_id", str(each).encode()), ("ce_type", b"Allocate"), ("ce_source", b"bench")]
        sent.append(await producer.send(topic, body, key=HOT.encode(), headers=headers))
    await asyncio.gather(*sent)
    await producer.stop()


def contention(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure allocations by two processes, with locks and with versions."""
    stocked(environment, SKUS)
    figures, seconds = dict[str, float](), number / 1_000
    for how, together, skus in CONTENTION_CASES:
        with ThreadPoolExecutor() as both:
            running = [both.submit(contend, environment, how, together, skus, seconds) for _ in range(2)]
            seen = sum((each.result() for each in running), Counter[str]())
        name = f"{skus:,} {'sku' if skus == 1 else 'skus'}, {how}, {together} at a time"
        figures |= {
            f"contention, {name}, allocations/s": seen["allocated"] / seconds,
            f"contention, {name}, tried again": seen["Conflict"] + seen["Locked"],
            f"contention, {name}, given up": seen["given up"],
        }
    return figures


def contend(environment: BenchmarkEnvironment, how: str, together: int, skus: int, seconds: float) -> Counter[str]:
    """Run one allocating process, and return its figures."""
    words = [sys.executable, "-m", "benchmarks.contention", how, str(together), str(skus), str(seconds)]
    variables = {**os.environ, **environment.variables()}
    done = subprocess.run(words, capture_output=True, check=True, encoding="utf-8", timeout=120, env=variables)  # noqa: S603
    return Counter(json.loads(done.stdout))

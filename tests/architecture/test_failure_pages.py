"""Every fault of the kill kit is on one page, and what a page names exists: alerts, metrics, log lines, commands."""

import inspect
import re
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from adapters.kafka import publisher
from adapters.sql.engine import database, group_commit
from config.container.vendors import claim_leases
from config.settings import Adapters, Settings
from core.notifications import dispatch_deliveries
from core.notifications.delivery import Channel
from docs.generator.command_line import command_paths
from docs.generator.metrics import series
from entrypoints.dispatcher import dispatcher
from entrypoints.jobs import job_named
from entrypoints.messages import kafka_partition, partition
from entrypoints.relay.relay import MAX_EVENTS_PER_BATCH, MAX_OUTAGE_BACKOFF_SECONDS, Relay
from entrypoints.runtime import supervisor
from entrypoints.scheduler import scheduler
from tests.chaos.fault_injector import ENDED_ALONE
from tests.chaos.faults import every_fault
from tests.chaos.findings import FINDING_KINDS

ROOT = Path(__file__).parents[2]
PAGES = {page.stem: page.read_text() for page in sorted((ROOT / "docs/failures").glob("*.md"))}
SECTIONS = ["What users see", "What Bursar does by itself", "What never happens", "Signals", "What to do", "Play it"]
SOURCE = "".join(
    file.read_text() for part in ("core", "adapters", "entrypoints") for file in (ROOT / part).rglob("*.py")
)
METRICS = series() | {each.removesuffix("_count") for each in series()}
SETTINGS = Settings()
RESILIENCE = SETTINGS.resilience


def lease(email: str) -> float:
    return claim_leases(Settings(adapters=Adapters(email=(email,))))[Channel.EMAIL].total_seconds()


def seconds(value: float) -> str:
    return rf"\b{value:g} s\b"


def every(job: str) -> str:
    return seconds(job_named(job).every.total_seconds())


SESSION = inspect.signature(AIOKafkaConsumer.__init__).parameters["session_timeout_ms"].default / 1000
LEASE = inspect.signature(Relay).parameters["lease_seconds"].default
LOOKUPS = [
    every("deliveries_reconciled"),
    f"{SETTINGS.notifications.resend_after_minutes} minutes after",
    f"[Aa]fter {SETTINGS.notifications.manual_review_after_hours} hours",
]
STATED = {
    "http-process-ends": [seconds(supervisor.MIN_RESTART_DELAY_SECONDS), seconds(supervisor.MAX_RESTART_DELAY_SECONDS)],
    "relay-ends": [seconds(LEASE), rf"within {2 * LEASE:g} s"],
    "consumer-ends": [seconds(SESSION)],
    "dispatcher-ends": [
        seconds(lease("ses")),
        seconds(lease("smtp")),
        seconds(dispatcher.CLAIM_EXPIRY_INTERVAL_SECONDS),
        *LOOKUPS,
    ],
    "scheduler-ends": [
        every("audit_records_sealed"),
        seconds(scheduler.FIGURES_INTERVAL_SECONDS),
        every("deliveries_reconciled"),
        every("old_records_purged"),
    ],
    "process-stands-still": [
        seconds(LEASE),
        seconds(SESSION),
        seconds(database.IDLE_TIMEOUT_SECONDS),
        seconds(database.LOCK_WAIT_SECONDS),
    ],
    "database-away": [
        seconds(database.CONNECT_TIMEOUT_SECONDS),
        seconds(group_commit.COMMIT_OUTCOME_TIMEOUT_SECONDS),
        seconds(MAX_OUTAGE_BACKOFF_SECONDS),
    ],
    "database-slow": [seconds(database.CONNECT_TIMEOUT_SECONDS), seconds(database.READ_TIMEOUT_SECONDS)],
    "broker-away": [
        seconds(publisher.SEND_TIMEOUT_SECONDS),
        seconds(MAX_OUTAGE_BACKOFF_SECONDS),
        seconds(partition.MAX_BACKOFF_SECONDS),
    ],
    "broker-slow": [
        seconds(publisher.SEND_TIMEOUT_SECONDS),
        f"{MAX_EVENTS_PER_BATCH} events",
        seconds(kafka_partition.COMMIT_TIMEOUT_SECONDS),
    ],
    "vendor-away": [
        f"{RESILIENCE.max_attempts} times",
        seconds(dispatch_deliveries.INITIAL_RETRY_DELAY.total_seconds()),
        f"{dispatch_deliveries.MAX_RETRY_DELAY.total_seconds() / 60:g} minutes",
        f"{RESILIENCE.failure_percent} % failures of {RESILIENCE.minimum_calls} calls",
        seconds(RESILIENCE.window_seconds),
        seconds(RESILIENCE.open_seconds),
    ],
    "vendor-silent": [seconds(RESILIENCE.deadline_seconds), *LOOKUPS],
}
"""The durations and limits that a page states, as the program has them."""


def section(page: str, name: str) -> str:
    return PAGES[page].partition(f"## {name}\n")[2].partition("\n## ")[0]


def code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def faults(page: str) -> list[str]:
    return code(PAGES[page].partition("Faults: ")[2].partition("\n")[0])


def test_every_fault_of_the_kit_is_on_exactly_one_page() -> None:
    assert sorted(name for page in PAGES for name in faults(page)) == sorted([*every_fault(), *ENDED_ALONE])


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_a_screen_and_says_how_to_play_its_fault(page: str) -> None:
    assert re.findall(r"^## (.+)$", PAGES[page], re.MULTILINE) == SECTIONS
    assert len(PAGES[page].split()) < 300
    played = re.findall(r"just chaos --fault (\w+)\n", section(page, "Play it"))
    assert len(played) == 1
    assert set(played) <= {*faults(page)} | ({"mysql_killed"} if set(faults(page)) == set(ENDED_ALONE) else set())


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_exists(page: str) -> None:
    promised, signals = code(section(page, "What never happens")), code(section(page, "Signals"))
    lines = {each for each in signals if "_" in each and not each.startswith("bursar_")}
    commands = {each for each in code(PAGES[page]) if each.startswith("bursar ")}
    settings = [each.partition(".") for each in code(PAGES[page]) if re.fullmatch(r"[a-z]+\.[a-z_]+", each)]

    assert (set(promised) - {"worth a look"} <= set(FINDING_KINDS)) and promised
    assert "(../alerts/" in section(page, "Signals")
    assert set(re.findall(r"\bbursar_\w+", PAGES[page])) <= METRICS
    assert {line for line in lines if f'"{line}"' not in SOURCE} == set()
    assert commands <= command_paths()
    assert [key for part, _, key in settings if not hasattr(getattr(SETTINGS, part, None), key)] == []


@pytest.mark.parametrize("page", STATED)
def test_a_page_states_the_limits_of_the_program(page: str) -> None:
    assert [limit for limit in STATED[page] if not re.search(limit, PAGES[page])] == []

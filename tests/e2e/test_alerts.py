"""Alerts, their pages, and dashboards, on a real run in which one process of four cannot reach the database."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from config.container import Application, running
from config.sections.identity import Identity
from config.sections.section import Secret
from config.sections.servers import Kafka, MySQL
from config.settings import Adapters, Settings
from docs.generator.metrics import has_value
from entrypoints.routes import ROUTES
from tests.containers import free_port
from tests.databases import ENCRYPTION, DatabasePool
from tests.e2e.monitored_office import DEPLOY, ROLES, MonitoredOffice, monitored_office
from tests.e2e.workspace import on_real_servers
from tests.examples import a_schedule, a_student, a_submission, enrol, publish
from tests.tcp_switch import tcp_switch
from tests.units_of_work import any_work

FIRES_WITHIN_SECONDS = CLEARS_WITHIN_SECONDS = 60
STARTS_WITHIN_SECONDS = 120
CUT_OFF = "consumer,dispatcher"
EMPTY = {
    "bursar_disk_": "the database is not a file, and no heads of the audit go to one",
    "bursar_certificate_": "no connection of the run uses TLS",
    "bursar_http_refusals": "no client breaks the rules of HTTP",
    "bursar_messages_buried": "every message can be read",
    "bursar_partition_unreadable": "the broker stays",
    "bursar_audit_refusals": "no deed is refused",
    "bursar_rate_limits_local": "no process uses Redis",
}
"""Parts of queries that find nothing in the run, and why."""


async def until(check: Callable[[], Awaitable[object]], seconds: float) -> float:
    """Return after how many seconds a condition holds; fail after the time limit."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not await check():
            await asyncio.sleep(0.2)
    return time.monotonic() - began


def queries() -> Iterator[tuple[str, str]]:
    """Yield the name of a panel and a query, of every dashboard."""
    for board in sorted((DEPLOY / "grafana/dashboards").glob("*.json")):
        for panel in json.loads(board.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{board.stem}: {panel['title']}", target["expr"].replace("$__rate_interval", "30s")


async def submit(application: Application, count: int) -> None:
    """Store fees with their events, of students on the roster."""
    students = [a_student(number) for number in range(count)]
    await publish(application, a_schedule())
    await enrol(application, *students)
    async with any_work(application) as work:
        for student in students:
            submission, event = a_submission(student.id)
            work.submissions.add(submission)
            work.record(event)
        await work.commit()


async def check_labels(office: MonitoredOffice) -> None:
    """Assert that no sample of any process has a label outside of the documented values."""
    for role in ROLES:
        families = text_string_to_metric_families((await office.get(role, "/metrics")).text)
        samples = [each for family in families for each in family.samples if each.name.startswith("bursar_")]
        wrong = [
            (each.name, name, value)
            for each in samples
            for name, value in each.labels.items()
            if name != "le" and not has_value(name, value)
        ]
        assert samples and wrong == []


async def check_queries(office: MonitoredOffice) -> None:
    """Assert that every query of the dashboards finds data, or has its reason in `EMPTY`."""
    nothing = [query for _, query in queries() if not await office.query(query)]
    excused = {part: [query for query in nothing if part in query] for part in EMPTY}
    assert [query for query in nothing if not any(query in each for each in excused.values())] == []
    assert [part for part, found in excused.items() if not found] == []


async def test_one_process_of_four_without_the_database_is_told_within_a_minute(
    mysql: MySQL, kafka: Kafka, prepared: DatabasePool, tmp_path: Path
) -> None:
    adapters = Adapters(persistence="mysql", events="kafka", audit_anchors="kafka")
    chosen = Settings(
        adapters=adapters,
        mysql=mysql,
        kafka=kafka,
        encryption=ENCRYPTION,
        identity=Identity(secret=Secret("the secret of an installation under test")),
    )
    async with (
        prepared.acquire(chosen) as settings,
        running(Application(settings=settings, routes=ROUTES)) as application,
        tcp_switch((mysql.host, mysql.port)) as (switch, port),
    ):
        await application.messaging.topics()()
        await application.use_cases().identity.create_signing_key()
        environment = on_real_servers(settings.mysql, kafka, SANDBOX__RECORD_PATH=str(tmp_path / "sent"))
        reached = {"BURSAR__MYSQL__HOST": "127.0.0.1", "BURSAR__MYSQL__PORT": str(port)}
        async with monitored_office(tmp_path, environment, {CUT_OFF: reached}) as office:
            await until(office.up, STARTS_WITHIN_SECONDS)
            await submit(application, 40)
            await until(lambda: office.query('sum(bursar_vendor_calls_total{outcome="accepted"}) >= 40'), 60)
            # The first measurement fails on a new broker, and the next one is 20 s later.
            await until(lambda: office.query("bursar_consumer_lag_messages"), 60)
            await until(lambda: office.query('bursar_effects_total{transport="consumer",outcome="done"} > 0'), 30)
            [down] = [office.addresses[CUT_OFF]]

            switch.target = ("127.0.0.1", free_port())
            await switch.close()
            took = await until(async_of(lambda: office.hook.told("EffectsFail", "firing")), FIRES_WITHIN_SECONDS)

            assert {each["instance"] for each in office.hook.told("EffectsFail", "firing")} == {down}
            assert took <= FIRES_WITHIN_SECONDS
            ready = {role: (await office.get(role, "/health/ready")).status_code for role in ROLES}
            assert ready == dict.fromkeys(ROLES, 200) | {CUT_OFF: 503}
            await check_queries(office)
            await check_labels(office)

            switch.target = (mysql.host, mysql.port)
            await until(async_of(lambda: office.hook.told("EffectsFail", "resolved")), CLEARS_WITHIN_SECONDS)
            assert {each["labels"]["alertname"] for each in office.hook.heard} == {"EffectsFail"}
            code, output = office.container.exec("promtool test rules /etc/bursar/alerts_test.yml")
            assert code == 0, output.decode()


def async_of(check: Callable[[], object]) -> Callable[[], Awaitable[object]]:
    """Return a check that can be awaited."""

    async def checked() -> object:
        return check()

    return checked

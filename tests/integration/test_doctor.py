"""`bursar doctor` finds each planted misconfiguration, and names what to do."""

import asyncio
import resource
import struct
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
import typer
from dependency_injector import providers
from redis.asyncio import Redis as RedisClient
from sqlalchemy import text

from config.container import running
from config.sections.http import Admission, Http
from config.sections.identity import Encryption, Identity, OpenIdProvider
from config.sections.section import Secret
from config.sections.servers import Kafka, MySQL, Redis, SQLite
from config.sections.vendors import Smtp
from config.settings import Adapters, Settings
from config.settings_file import validate
from core.kernel.encryption import create_key
from core.kernel.health import check_probe
from core.kernel.pace import Pace
from entrypoints.cli.runtime import Runtime
from entrypoints.contexts import create_bursar
from entrypoints.runtime.configured_runtime import ConfiguredRuntime
from tests.applications import an_application
from tests.contract.senders import EMAIL, SMS
from tests.contract.senders import running as running_vendor
from tests.contract.servers.certificate import certificate
from tests.databases import ENCRYPTION, DatabasePool, root_of
from tests.examples import StoppedClock, a_student, enrol
from tests.tcp_switch import TcpSwitch, tcp_switch

SECRET = Secret("the secret of an installation under test")
LONG = "only-for-development-" + "0" * 20


@dataclass
class Office:
    """An installation without faults, until a plant changes its settings or its servers."""

    settings: Settings
    folder: Path
    server: Callable[[str], Any]
    clock: StoppedClock | None = None
    document: Mapping[str, Any] | None = None
    """What a file says instead of the settings."""

    def change(self, section: str, **values: Any) -> None:
        """Change values of one section, or put a section in its place."""
        new = msgspec.structs.replace(getattr(self.settings, section), **values)
        self.settings = msgspec.structs.replace(self.settings, **{section: new})

    @asynccontextmanager
    async def opened(self, *_: object) -> AsyncIterator[Runtime]:
        settings = self.settings if self.document is None else validate(self.document, "bursar.toml")
        async with running(an_application(settings)) as application:
            if self.clock:
                application.process.clock.override(providers.Object(self.clock))
            yield ConfiguredRuntime(application, settings)

    async def doctor(self, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
        """Return the exit code of the command, and all that it printed."""
        command = typer.main.get_command(create_bursar(self.opened))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(command, ["doctor", *words])
        return int(ended.value.code or 0), "".join(capsys.readouterr())

    async def run(self, statement: str) -> None:
        """Execute one statement on the database."""
        async with (
            running(an_application(self.settings)) as application,
            application.storage.database().autocommit() as connection,
        ):
            await connection.execute(text(statement))


Plant = Callable[[Office], AbstractAsyncContextManager[None]]


def on(persistence: str, plant: Callable[[Office], Any], said: str, remedy: str, **more: Any) -> Any:
    """Return one case: what is planted on a fault-free office, and what must be printed."""
    name = more.pop("id", plant.__name__.strip("_"))
    return pytest.param(persistence, as_context(plant), said, remedy, id=name)


def as_context(plant: Callable[[Office], Any]) -> Plant:
    """Return a plant that only changes settings as one that also ends."""

    @asynccontextmanager
    async def planted(office: Office) -> AsyncIterator[None]:
        found = plant(office)
        if found is None:
            yield
        else:
            async with found:
                yield

    return planted


def setting(section: str, **values: Any) -> Callable[[Office], None]:
    """Return a plant that changes settings."""

    def plant(office: Office) -> None:
        office.change(section, **values)

    plant.__name__ = f"{section} {' '.join(values)}"
    return plant


def document(**sections: Any) -> Callable[[Office], None]:
    """Return a plant that is in the file, and does not load."""

    def plant(office: Office) -> None:
        office.document = sections

    plant.__name__ = "the file's " + " ".join(sections)
    return plant


@asynccontextmanager
async def a_file_limit(office: Office) -> AsyncIterator[None]:
    """Let no file of the process grow."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def few_descriptors(office: Office) -> None:
    office.change("http", max_connections=99_999)
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] > 99_999:
        pytest.skip("the system allows more open files than the setting can ask for")


def an_empty_file(office: Office) -> None:
    office.change("sqlite", path=str(office.folder / "empty.db"))


@asynccontextmanager
async def a_newer_schema(office: Office) -> AsyncIterator[None]:
    await office.run("UPDATE alembic_version SET version_num = '9999'")
    yield


@asynccontextmanager
async def no_signing_key(office: Office) -> AsyncIterator[None]:
    await office.run("DELETE FROM signing_keys")
    yield


@asynccontextmanager
async def another_key_of_encryption(office: Office) -> AsyncIterator[None]:
    async with running(an_application(office.settings)) as application:
        await enrol(application, a_student(1))
        await application.use_cases().students.rotate_encryption(Pace(None), lambda _: None)
    office.change("encryption", keys=Secret(create_key()))
    yield


def a_certificate(lifetime: timedelta) -> Callable[[Office], None]:
    def plant(office: Office) -> None:
        file, _ = certificate(office.folder, lifetime)
        names = {"certificate_file": str(file), "key_file": str(office.folder / "key.pem"), "tls": "unverified"}
        office.change("kafka", **names)
        office.change("adapters", events="kafka")
        office.change("kafka", bootstrap="127.0.0.1:1")

    return plant


def an_issuer(url: str) -> Callable[[Office], None]:
    def plant(office: Office) -> None:
        provider = OpenIdProvider(issuer=url, client_id="bursar", client_secret=SECRET)
        office.change("http", public_url="http://localhost:8000")
        office.settings = msgspec.structs.replace(office.settings, oidc={"campus": provider})

    return plant


@asynccontextmanager
async def another_issuer(office: Office) -> AsyncIterator[None]:
    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"issuer": "https://elsewhere.example.org"}')

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        an_issuer(f"http://127.0.0.1:{server.server_port}")(office)
        yield
        server.shutdown()


def vendor(kind: Any, name: str, **wrong: Any) -> Callable[[Office], Any]:
    @asynccontextmanager
    async def plant(office: Office) -> AsyncIterator[None]:
        async with running_vendor(kind, name, office.folder) as server:
            office.settings = msgspec.structs.replace(office.settings, **server.settings())
            office.change(name, **wrong)
            office.change("adapters", **{kind.channel: (name,)})
            yield

    return plant


def root_statement(plant: str, restore: str) -> Callable[[Office], Any]:
    """Return a plant on the server of MySQL."""

    @asynccontextmanager
    async def planted(office: Office) -> AsyncIterator[None]:
        async with root_of(office.settings.mysql) as run:
            await run(plant)
            try:
                yield
            finally:
                await run(restore)

    return planted


def an_account(*grants: str) -> Callable[[Office], Any]:
    """Return a plant whose account of MySQL has only these privileges."""

    @asynccontextmanager
    async def planted(office: Office) -> AsyncIterator[None]:
        root = office.settings.mysql
        async with root_of(root) as run:
            await run("CREATE USER weak IDENTIFIED BY 'weak-password'")
            try:
                for grant in grants:
                    await run(f"GRANT {grant.format(database=root.database)} TO weak")
                office.change("mysql", user="weak", password=Secret("weak-password"))
                yield
            finally:
                await run("DROP USER weak")

    return planted


def a_clock_ahead(office: Office) -> None:
    office.clock = StoppedClock(datetime.now(UTC) + timedelta(minutes=1))


async def with_topics(settings: Settings) -> None:
    """Create the topics, and wait until the broker knows them, which is after it has answered."""
    messaging = an_application(settings).messaging
    await messaging.topics()()
    async with asyncio.timeout(20):
        while not (await check_probe(messaging.events_probe())).ready:
            pass


def a_kafka(**wrong: Any) -> Callable[[Office], Any]:
    """Return a plant over a real broker with the topics of other settings."""

    @asynccontextmanager
    async def plant(office: Office) -> AsyncIterator[None]:
        real = office.server("kafka settings")
        office.settings = msgspec.structs.replace(office.settings, kafka=real)
        office.change("adapters", events="kafka")
        await with_topics(office.settings)
        office.change("kafka", **wrong)
        yield

    return plant


@asynccontextmanager
async def another_advertised_address(office: Office) -> AsyncIterator[None]:
    real: Kafka = office.server("kafka settings")
    host, port = real.bootstrap.split(":")

    class Renaming(TcpSwitch):
        async def _forward(self, source: Any, sink: Any, pair: Any) -> None:
            write = sink.write
            sink.write = lambda some: write(some.replace(struct.pack(">i", int(port)), struct.pack(">i", 1)))
            await super()._forward(source, sink, pair)

    async with tcp_switch((host, int(port)), Renaming) as (_, own_port):
        office.settings = msgspec.structs.replace(office.settings, kafka=real)
        office.change("adapters", events="kafka")
        await with_topics(office.settings)
        office.change("kafka", bootstrap=f"localhost:{own_port}")
        yield


def a_registry(kind: Literal["etcd", "consul"]) -> Callable[[Office], None]:
    """Name a registry at which nothing answers."""

    def plant(office: Office) -> None:
        office.change("adapters", registry=kind)
        office.change("registry", url="http://127.0.0.1:1")

    return plant


def a_redis(url: str) -> Callable[[Office], None]:
    def plant(office: Office) -> None:
        office.change("redis", url=Secret(url))
        office.change("adapters", cache="redis")

    return plant


@asynccontextmanager
async def a_password_of_redis(office: Office) -> AsyncIterator[None]:
    url = office.server("redis")
    client = RedisClient.from_url(url)
    try:
        await client.execute_command("CONFIG", "SET", "requirepass", "right")  # type: ignore[no-untyped-call]
        a_redis(url.replace("redis://", "redis://:wrong@"))(office)
        yield
    finally:
        await client.execute_command("CONFIG", "SET", "requirepass", "")  # type: ignore[no-untyped-call]
        await client.aclose()


@asynccontextmanager
async def a_replica(office: Office) -> AsyncIterator[None]:
    client = RedisClient.from_url(office.server("redis"))
    try:
        await client.execute_command("REPLICAOF", "127.0.0.1", "1")  # type: ignore[no-untyped-call]
        a_redis(office.server("redis"))(office)
        yield
    finally:
        await client.execute_command("REPLICAOF", "NO", "ONE")  # type: ignore[no-untyped-call]
        await client.aclose()


FILE: Literal["sqlite"] = "sqlite"
SERVER: Literal["mysql"] = "mysql"
PUBLISHED = document(identity={"secret": LONG})
PLANTS = [
    on(
        FILE,
        setting("sqlite", path="/proc/nowhere/bursar.db"),
        "cannot be used: No such file",
        "a folder that exists and that this",
    ),
    on(FILE, a_file_limit, "persistence (sqlite)", "→"),
    on(FILE, an_empty_file, "the schema is at nothing", "bursar migrate"),
    on(FILE, a_newer_schema, "is the older one", "finish the upgrade"),
    on(FILE, no_signing_key, "no key that signs access tokens", "bursar keys create"),
    on(FILE, PUBLISHED, "identity.secret is a published example", "set 32 or more random characters"),
    on(FILE, document(inventory={"zone": "Mars/Base"}), "Mars/Base", "IANA time zone, as in Asia/Kolkata"),
    on(FILE, document(http={"porrt": 1}), "porrt", "$.http", id="an unknown setting"),
    on(
        FILE,
        setting("http", public_url="http://fees.example.org"),
        "is not encrypted",
        "put TLS in front",
        id="http url",
    ),
    on(
        FILE,
        setting("http", public_url="https://e.org/v1", trusted_proxies=1),
        "has a path",
        "the host alone",
        id="path",
    ),
    on(FILE, setting("http", public_url="https://e.org"), "share its address", "the number of proxies"),
    on(FILE, setting("http", trusted_proxies=16), "a client chooses the address", "the exact number"),
    on(FILE, few_descriptors, "open files, and http.max_connections needs", "LimitNOFILE"),
    on(FILE, a_certificate(timedelta(days=-1)), "expired on", "put a new certificate into", id="expired certificate"),
    on(FILE, a_certificate(timedelta(days=9)), "expires on", "put a new certificate into", id="expiring certificate"),
    on(FILE, an_issuer("http://127.0.0.1:1"), "identity provider (campus)", "oidc.campus.issuer", id="no issuer"),
    on(FILE, another_issuer, "names another issuer", "oidc.campus.issuer"),
    on(
        FILE,
        vendor(EMAIL, "smtp", password=Secret("wrong")),
        "refuses the login: 535",
        "smtp.password",
        id="smtp login",
    ),
    on(FILE, vendor(EMAIL, "smtp", tls="implicit"), "e-mail (smtp)", "smtp.tls", id="smtp tls"),
    on(FILE, vendor(EMAIL, "ses", access_key_id="wrong"), "refuses the credentials", "ses.access_key_id", id="ses"),
    on(
        FILE,
        vendor(SMS, "twilio", auth_token=Secret("no")),
        "refuses the credentials",
        "twilio.auth_token",
        id="twilio",
    ),
    on(SERVER, setting("mysql", password=Secret("wrong")), "Access denied", "correct mysql.user and mysql.password"),
    on(
        SERVER,
        setting("mysql", database="elsewhere"),
        "Unknown database",
        "correct mysql.database",
    ),
    on(SERVER, setting("mysql", port=1), "the database does not answer", "start the database", id="no mysql"),
    on(SERVER, an_account("SELECT ON {database}.*"), "command denied", "run deploy/grants.sql again", id="no grants"),
    on(
        SERVER,
        an_account("SELECT ON {database}.*", "INSERT, UPDATE ON {database}.heartbeat"),
        "the account may not insert into",
        "run deploy/grants.sql again",
        id="few grants",
    ),
    on(
        SERVER,
        another_key_of_encryption,
        "is encrypted with the key 1",
        "set encryption.keys to the keys that wrote the rows",
    ),
    on(SERVER, setting("encryption", keys=Secret("")), "encryption.keys", "`bursar encryption create-key`"),
    on(SERVER, setting("identity", secret=Secret("")), "identity.secret · empty", "set BURSAR__IDENTITY__SECRET"),
    on(SERVER, setting("admission", secret=Secret("")), "admission.secret · empty", "set BURSAR__ADMISSION__SECRET"),
    on(SERVER, a_clock_ahead, "s ahead of the database's", "synchronise it"),
    on(
        SERVER,
        root_statement("SET GLOBAL sync_binlog = 0", "SET GLOBAL sync_binlog = 1"),
        "sync_binlog is 0: committed transactions can be lost",
        "set each to 1",
        id="not durable",
    ),
    on(
        SERVER,
        root_statement("SET GLOBAL binlog_format = 'STATEMENT'", "SET GLOBAL binlog_format = 'ROW'"),
        "binlog_format is STATEMENT",
        "set it to ROW",
        id="isolation",
    ),
    on(SERVER, setting("mysql", connections=9_999), "max_connections is", "lower mysql.connections or http.workers"),
    on(FILE, a_kafka(bootstrap="127.0.0.1:1"), "does not answer", "start the broker or correct", id="no kafka"),
    on(FILE, a_kafka(topic_prefix="absent."), "has no topic absent.bursar.", "`bursar topics`", id="no topic"),
    on(FILE, a_kafka(partitions=50), "fewer than kafka.partitions (50)", "kafka-topics --alter", id="few partitions"),
    on(FILE, a_kafka(tls="unverified"), "does not speak TLS", "kafka.tls to none", id="kafka tls"),
    on(FILE, another_advertised_address, "advertises localhost:1", "set advertised.listeners"),
    on(FILE, a_redis("redis://127.0.0.1:1/0"), "does not take writes", "correct redis.url", id="no redis"),
    on(FILE, a_password_of_redis, "invalid username-password pair", "correct redis.url"),
    on(FILE, a_replica, "read only replica", "correct redis.url"),
    on(FILE, a_registry("etcd"), "registry (etcd) · etcd cannot be reached", "correct registry.url", id="no etcd"),
    on(FILE, a_registry("consul"), "consul cannot be reached", "correct registry.url", id="no consul"),
    on(FILE, a_registry("etcd"), "gateways learn later", "set it to 3 or more", id="no drain"),
]


@pytest.fixture
async def office(
    request: pytest.FixtureRequest, tmp_path: Path, prepared: DatabasePool, server: Callable[[str], Any]
) -> AsyncIterator[Callable[[MySQL | None], AbstractAsyncContextManager[Office]]]:
    """Open an office without faults on one kind of database."""

    def named(name: str) -> Any:
        return request.getfixturevalue("kafka") if name == "kafka settings" else server(name)

    @asynccontextmanager
    async def of(mysql: MySQL | None) -> AsyncIterator[Office]:
        settings = Settings(
            adapters=Adapters(persistence=SERVER if mysql else FILE),
            sqlite=SQLite(path=str(tmp_path / "bursar.db")),
            mysql=mysql or MySQL(),
            identity=Identity(secret=SECRET),
            admission=Admission(secret=SECRET),
            encryption=ENCRYPTION if mysql else Encryption(),
        )
        async with prepared.acquire(settings) as ready:
            async with running(an_application(ready)) as application:
                await application.use_cases().identity.create_signing_key()
            yield Office(ready, tmp_path, named)

    yield of


@pytest.fixture
def database(request: pytest.FixtureRequest) -> MySQL | None:
    """Return a database on a real MySQL, None for a file."""
    return request.getfixturevalue("mysql") if request.param == SERVER else None


@pytest.mark.parametrize(("database", "plant", "said", "remedy"), PLANTS, indirect=["database"])
async def test_a_planted_misconfiguration_is_found_with_its_remedy(
    office: Any,
    capsys: pytest.CaptureFixture[str],
    database: MySQL | None,
    plant: Plant,
    said: str,
    remedy: str,
) -> None:
    async with office(database) as each, plant(each):
        code, printed = await each.doctor(capsys)

    assert code in (1, 75)
    assert said in printed
    assert remedy in printed
    assert "weak-password" not in printed and "wrong@" not in printed


async def test_an_office_without_faults_has_no_finding(
    office: Any, mysql: MySQL, kafka: Kafka, redis: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    async with office(mysql) as each:
        each.settings = msgspec.structs.replace(each.settings, kafka=kafka, redis=redis, smtp=Smtp(), http=Http())
        each.change("adapters", events="kafka", cache="redis")
        await with_topics(each.settings)
        code, printed = await each.doctor(capsys, "--json")

    results = msgspec.json.decode(printed)
    assert code == 0
    assert [result for result in results if not result["ready"] or result["remedy"]] == []
    assert len({result["name"] for result in results}) == len(results) >= 9

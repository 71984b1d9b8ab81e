"""Connections to MySQL, Kafka, RabbitMQ and Redis that are encrypted, on servers that accept no others."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec.structs import replace
from testcontainers.community.mysql import MySqlContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import ExecWaitStrategy, LogMessageWaitStrategy

from adapters.redis.cache import RedisCache
from adapters.smtp.email import SmtpEmailSender
from adapters.tls import client_context
from config.container import Application, running
from config.sections.section import Secret
from config.sections.servers import Kafka, MySQL, RabbitMQ, Redis
from config.settings import Adapters, Settings
from core.kernel.errors import Invalid, Unavailable
from core.messaging.routing import Routes
from core.notifications.mailbox import Mailbox
from tests import containers as stack
from tests.conftest import eventually
from tests.contract.servers.certificate import certificate

PASSWORD = "kept-from-logs"
JAAS = "org.apache.kafka.common.security.{module}.{kind}LoginModule required"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with authority.pem, key.pem and both in server.pem; the servers' users can read it."""
    folder = tmp_path_factory.mktemp("certificates")
    certificate(folder)
    both = [(folder / name).read_text() for name in ("key.pem", "authority.pem")]
    (folder / "server.pem").write_text("".join(both))
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def require_docker(request: pytest.FixtureRequest) -> None:
    if reason := stack.no_docker():
        if request.config.getoption("--require-stack"):
            pytest.fail(f"encrypted servers are required, but {reason}")
        pytest.skip(f"encrypted servers: {reason}")


@pytest.fixture(scope="module")
def mysql(require_docker: None, certificates: Path) -> Iterator[MySQL]:
    files = "--ssl-ca=/tls/authority.pem --ssl-cert=/tls/authority.pem --ssl-key=/tls/key.pem"
    server = (
        MySqlContainer(stack.MYSQL, dialect="asyncmy", root_password=PASSWORD)
        .with_volume_mapping(str(certificates), "/tls")
        .with_command(f"mysqld --require-secure-transport=ON {files}")
    )
    with server:
        port = int(server.get_exposed_port(3306))
        yield MySQL(host="127.0.0.1", port=port, database="test", user="root", password=Secret(PASSWORD))


@pytest.fixture(scope="module")
def kafka(require_docker: None, certificates: Path) -> Iterator[Kafka]:
    port = stack.free_port()
    settings = stack.ONE_BROKER | {
        "KAFKA_LISTENERS": "PLAINTEXT://localhost:9094,SECURE://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://localhost:9094,SECURE://127.0.0.1:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT",
        "KAFKA_SASL_ENABLED_MECHANISMS": "PLAIN",
        "KAFKA_LISTENER_NAME_SECURE_PLAIN_SASL_JAAS_CONFIG": (
            JAAS.format(module="plain", kind="Plain") + f' user_office="{PASSWORD}";'
        ),
        "KAFKA_SSL_KEYSTORE_TYPE": "PEM",
        "KAFKA_SSL_KEYSTORE_LOCATION": "/tls/server.pem",
    }
    server = (
        DockerContainer(stack.KAFKA)
        .with_bind_ports(9092, port)
        .with_envs(**settings)
        .with_volume_mapping(str(certificates), "/tls")
        .waiting_for(LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(60))
    )
    with server:
        yield Kafka(
            bootstrap=f"127.0.0.1:{port}", tls="verified", ca_file=str(certificates / "authority.pem"),
            sasl="plain", user="office", password=Secret(PASSWORD),
        )  # fmt: skip


@pytest.fixture(scope="module")
def rabbitmq(require_docker: None, certificates: Path) -> Iterator[RabbitMQ]:
    port, user = stack.free_port(), "office"
    configuration = certificates / "tls.conf"
    files = {"cacertfile": "authority", "certfile": "authority", "keyfile": "key"}
    told = [f"ssl_options.{name} = /tls/{file}.pem" for name, file in files.items()]
    configuration.write_text("\n".join(["listeners.tcp = none", "listeners.ssl.default = 5671", *told, ""]))
    server = (
        DockerContainer(stack.RABBITMQ)
        .with_bind_ports(5671, port)
        .with_envs(RABBITMQ_DEFAULT_USER=user, RABBITMQ_DEFAULT_PASS=PASSWORD)
        .with_volume_mapping(str(stack.RABBITMQ_PLUGINS), "/etc/rabbitmq/enabled_plugins", "ro")
        .with_volume_mapping(str(certificates), "/tls")
        .with_volume_mapping(str(configuration), "/etc/rabbitmq/conf.d/90-tls.conf", "ro")
        .waiting_for(ExecWaitStrategy(["rabbitmq-diagnostics", "-q", "check_port_listener", "5671"]))
    )
    with server:
        yield RabbitMQ(
            nodes=f"127.0.0.1:{port}", tls="verified", ca_file=str(certificates / "authority.pem"),
            user=user, password=Secret(PASSWORD), partitions=1,
        )  # fmt: skip


@pytest.fixture(scope="module")
def redis(require_docker: None, certificates: Path) -> Iterator[Redis]:
    files = "--tls-cert-file /tls/authority.pem --tls-key-file /tls/key.pem --tls-auth-clients no"
    server = (
        DockerContainer(stack.REDIS)
        .with_exposed_ports(6379)
        .with_volume_mapping(str(certificates), "/tls")
        .with_command(f"redis-server --port 0 --tls-port 6379 {files} --requirepass {PASSWORD}")
        .waiting_for(LogMessageWaitStrategy("Ready to accept connections").with_startup_timeout(30))
    )
    with server:
        address = f"127.0.0.1:{server.get_exposed_port(6379)}"
        yield Redis(url=Secret(f"rediss://:{PASSWORD}@{address}"), ca_file=str(certificates / "authority.pem"))


async def mysql_cipher(mysql: MySQL) -> str:
    """Return the cipher of a connection; empty when it is not encrypted."""
    settings = Settings(adapters=Adapters(persistence="mysql"), mysql=mysql)
    async with running(Application(settings=settings)) as app, app.storage.database().reading() as connection:
        return str((await connection.exec_driver_sql("SHOW STATUS LIKE 'Ssl_cipher'")).one()[1])


def only_the_wakeup_socket_is_open() -> bool:
    return len(vars(asyncio.get_running_loop())["_selector"].get_map()) == 1


async def kafka_answer(kafka: Kafka) -> str:
    try:
        async with running(Application(settings=Settings(adapters=Adapters(events="kafka"), kafka=kafka))) as app:
            await app.messaging.topics()()
            async with asyncio.timeout(20):
                while True:
                    try:
                        return await app.messaging.events_probe().check()
                    except Unavailable as error:  # the broker knows a new topic a moment after it confirmed it
                        if "no topic" not in str(error):
                            raise
                        await asyncio.sleep(0.05)
    finally:
        # aiokafka does not await the end of its bootstrap connections, and TLS needs a round trip for it.
        await eventually(only_the_wakeup_socket_is_open)


async def rabbitmq_answer(rabbitmq: RabbitMQ) -> str:
    settings = Settings(adapters=Adapters(events="rabbitmq"), rabbitmq=rabbitmq)
    async with running(Application(settings=settings, routes=Routes(table={}))) as app:
        await app.messaging.topics()()
        return await app.messaging.events_probe().check()


async def redis_answer(redis: Redis) -> str:
    async def greet() -> bytes:
        return next(greetings)

    greetings, key = iter([b"hello", b"good bye"]), uuid4().hex
    for _ in range(2):
        async with running(Application(settings=Settings(adapters=Adapters(cache="redis"), redis=redis))) as app:
            assert await app.storage.cache().fetch(key, "greetings", greet) == b"hello"
            told = await app.storage.cache_probe().check()
    return told


async def test_mysql_is_reached_by_tls_with_and_without_verification(mysql: MySQL, certificates: Path) -> None:
    trusted = replace(mysql, tls="verified", ca_file=str(certificates / "authority.pem"))
    assert "TLS" in await mysql_cipher(trusted)
    assert "TLS" in await mysql_cipher(replace(mysql, tls="unverified"))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"tls": "none"}, "mysql.tls"),
        ({"tls": "verified", "ca_file": ""}, "certificate"),
        ({"host": "localhost", "tls": "verified"}, "localhost"),
    ],
)
async def test_mysql_is_refused_without_trust(
    mysql: MySQL, certificates: Path, wrong: dict[str, str], told: str
) -> None:
    files = {} if wrong["tls"] == "none" else {"ca_file": str(certificates / "authority.pem")}
    with pytest.raises(Unavailable, match=told) as refusal:
        await mysql_cipher(replace(mysql, **(files | wrong)))
    assert PASSWORD not in str(refusal.value)


async def test_kafka_is_reached_by_tls_and_sasl(kafka: Kafka) -> None:
    assert "topics" in await kafka_answer(kafka)


@pytest.mark.parametrize(
    "wrong",
    [{"password": Secret("not this one")}, {"ca_file": ""}, {"sasl": "none", "user": "", "password": Secret()}],
)
async def test_kafka_is_refused_without_trust_or_password(kafka: Kafka, wrong: dict[str, object]) -> None:
    with pytest.raises(Unavailable) as refusal:
        await kafka_answer(replace(kafka, **wrong))
    assert PASSWORD not in str(refusal.value)


async def test_rabbitmq_is_reached_by_tls(rabbitmq: RabbitMQ) -> None:
    assert "a queue took a message" in await rabbitmq_answer(rabbitmq)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"ca_file": ""}, "certificate"),
        ({"tls": "none", "ca_file": ""}, "does not answer"),
        ({"password": Secret("not this one")}, "does not let the user sign in"),
    ],
)
async def test_rabbitmq_is_refused_without_trust_or_password(
    rabbitmq: RabbitMQ, wrong: dict[str, object], told: str
) -> None:
    with pytest.raises(Unavailable, match=told) as refusal:
        await rabbitmq_answer(replace(rabbitmq, **wrong))
    assert PASSWORD not in str(refusal.value)


async def test_redis_is_reached_by_tls(redis: Redis) -> None:
    assert await redis_answer(redis) == "answers"


async def test_redis_is_refused_without_trust(redis: Redis) -> None:
    with pytest.raises(Unavailable, match="certificate") as refusal:
        async with running(
            Application(settings=Settings(adapters=Adapters(cache="redis"), redis=replace(redis, ca_file="")))
        ) as app:
            await app.storage.cache_probe().check()
    assert PASSWORD not in str(refusal.value)


@pytest.mark.parametrize(
    ("setting", "name", "said"),
    [
        ("ca_file", "missing.pem", "missing.pem does not exist"),
        ("ca_file", "folder", "folder is no file"),
        ("ca_file", "hello.pem", "hello.pem: NO_CERTIFICATE"),
        ("certificate_file", "hello.pem", "hello.pem needs a certificate and its key, or key_file names the key"),
    ],
)
def test_tls_files_that_cannot_be_used_are_named(tmp_path: Path, setting: str, name: str, said: str) -> None:
    (tmp_path / "hello.pem").write_text("hello")
    (tmp_path / "folder").mkdir()
    files = {"ca_file": "", "certificate_file": "", "key_file": "", setting: str(tmp_path / name)}
    with pytest.raises(Invalid, match=said):
        client_context("verified", **files)


def test_a_file_that_a_client_would_open_later_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="is no file"):
        RedisCache("rediss://localhost:6379/0", str(tmp_path), ttl_seconds=1, prefix="")
    with pytest.raises(Invalid, match="is no file"):
        SmtpEmailSender(
            host="", port=25, tls="starttls", ca_file=str(tmp_path), user="", password="",
            sender=Mailbox.parse("a@b.in"), connections=1, connect_seconds=1,
            command_seconds=1, offer_seconds=1, reply_seconds=1,
        )  # fmt: skip

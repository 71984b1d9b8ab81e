"""The servers of the tests: those that the environment names, or containers.

Every process of every run imports this module, and few start a container: each function imports its libraries itself.
"""

import gc
import json
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

MYSQL = os.environ.get("BURSAR_TEST_MYSQL_IMAGE", "mysql:9")
KAFKA = os.environ.get("BURSAR_TEST_KAFKA_IMAGE", "apache/kafka:4.1.0")
RABBITMQ = os.environ.get("BURSAR_TEST_RABBITMQ_IMAGE", "rabbitmq:4-management")
REDIS = os.environ.get("BURSAR_TEST_REDIS_IMAGE", "redis:8")
KEYCLOAK = os.environ.get("BURSAR_TEST_KEYCLOAK_IMAGE", "")
KUBERNETES = os.environ.get("BURSAR_TEST_KUBERNETES_IMAGE", "")
"""An API server with kubectl in its container."""
TRAEFIK = os.environ.get("BURSAR_TEST_TRAEFIK_IMAGE", "traefik:v3.7")
ENVOY = os.environ.get("BURSAR_TEST_ENVOY_IMAGE", "envoyproxy/envoy:v1.40.0")
PROMETHEUS = os.environ.get("BURSAR_TEST_PROMETHEUS_IMAGE", "prom/prometheus:v3.5.0")
RABBITMQ_PLUGINS = Path(__file__).parent.parent / "deploy" / "rabbitmq_plugins"
RABBITMQ_USER = ("bursar", "the password of the broker")
KEYCLOAK_ADMIN = ("admin", "admin")
COLLECTOR = os.environ.get("BURSAR_TEST_OTEL_IMAGE", "otel/opentelemetry-collector-contrib:0.161.0")
VICTORIALOGS = os.environ.get("BURSAR_TEST_VICTORIALOGS_IMAGE", "victoriametrics/victoria-logs:v1.52.0")
COLLECTOR_CONFIGURATION = """
receivers: {otlp: {protocols: {http: {endpoint: "0.0.0.0:4318"}}}}
exporters: {file: {path: /out/traces.jsonl, flush_interval: 100ms}}
extensions: {health_check: {endpoint: "0.0.0.0:13133"}}
service: {extensions: [health_check], pipelines: {traces: {receivers: [otlp], exporters: [file]}}}
"""
TOXIPROXY = os.environ.get("BURSAR_TEST_TOXIPROXY_IMAGE", "ghcr.io/shopify/toxiproxy:2.12.0")
ALERTMANAGER = os.environ.get("BURSAR_TEST_ALERTMANAGER_IMAGE", "prom/alertmanager:v0.33.0")
ETCD = os.environ.get("BURSAR_TEST_ETCD_IMAGE", "quay.io/coreos/etcd:v3.5.17")
ETCD_COMMAND = "etcd --listen-client-urls=http://0.0.0.0:2379 --advertise-client-urls=http://0.0.0.0:2379"
ONE_BROKER = {
    # complete, because any argument replaces the defaults of the official image
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
}


@dataclass(frozen=True, slots=True)
class MySqlServer:
    """A MySQL whose root can create databases."""

    host: str
    port: int
    password: str
    user: str = "root"


@dataclass(frozen=True, slots=True)
class RabbitMQServer:
    """A RabbitMQ in a container."""

    address: str
    container: "DockerContainer"

    def control(self, *words: str) -> None:
        """Run a command of rabbitmqctl."""
        code, said = self.container.exec(["rabbitmqctl", *words])
        assert code == 0, said


@dataclass(frozen=True, slots=True)
class Collector:
    """An OpenTelemetry collector that writes what it receives into a file."""

    url: str
    file: Path

    def spans(self) -> list[dict[str, Any]]:
        """Return the spans that have arrived, in the form of OTLP, with the attributes as a mapping."""
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        resources = [each for line in lines for each in json.loads(line)["resourceSpans"]]
        spans = [span for each in resources for scope in each["scopeSpans"] for span in scope["spans"]]
        for span in spans:
            facts = {each["key"]: next(iter(each["value"].values())) for each in span.get("attributes", ())}
            span["attributes"] = facts
        return spans


def named() -> set[str]:
    """Return the servers that the environment names."""
    variables = {"mysql": "MYSQL_URL", "kafka": "KAFKA_BOOTSTRAP", "redis": "REDIS_URL"}
    return {server for server, variable in variables.items() if os.environ.get(f"BURSAR_TEST_{variable}")}


@cache
def no_docker() -> str | None:
    """Return the reason why containers cannot be started; None if they can."""
    import docker

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # without a daemon, the client does not close its socket
        try:
            client = docker.from_env(timeout=5)
        except docker.errors.DockerException as error:
            reason = f"no Docker engine answers ({type(error).__name__})"
        else:
            client.close()
            return None
        gc.collect()
    return reason


@contextmanager
def mysql() -> Iterator[MySqlServer]:
    """Yield a MySQL server: `BURSAR_TEST_MYSQL_URL` (host:port:password of root) or a container."""
    if named := os.environ.get("BURSAR_TEST_MYSQL_URL"):
        host, port, password = named.split(":")
        yield MySqlServer(host, int(port), password)
        return
    from testcontainers.community.mysql import MySqlContainer

    with MySqlContainer(MYSQL, dialect="asyncmy", root_password="root") as container:
        yield MySqlServer("127.0.0.1", int(container.get_exposed_port(3306)), "root")


@contextmanager
def mysql_pair() -> Iterator[tuple[MySqlServer, MySqlServer]]:
    """Yield two MySQL servers with GTIDs, which reach each other as `mysql1:3306` and `mysql2:3306`."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.network import Network
    from testcontainers.core.wait_strategies import ExecWaitStrategy

    answers = ["mysql", "-h127.0.0.1", "-uroot", "-proot", "-e", "SELECT 1"]
    with ExitStack() as running:
        network, started = running.enter_context(Network()), list[DockerContainer]()
        for number in (1, 2):
            container = (
                DockerContainer(MYSQL)
                .with_env("MYSQL_ROOT_PASSWORD", "root")
                .with_command(f"mysqld --gtid-mode=ON --enforce-gtid-consistency=ON --server-id={number}")
                .with_network(network)
                .with_network_aliases(f"mysql{number}")
                .with_exposed_ports(3306)
            )
            started.append(running.enter_context(container))
        for container in started:  # both are starting
            ExecWaitStrategy(answers).with_startup_timeout(60).wait_until_ready(container)
        first, second = (MySqlServer("127.0.0.1", int(each.get_exposed_port(3306)), "root") for each in started)
        yield first, second


@contextmanager
def kafka() -> Iterator[str]:
    """Yield a Kafka broker: `BURSAR_TEST_KAFKA_BOOTSTRAP` or a container."""
    if named := os.environ.get("BURSAR_TEST_KAFKA_BOOTSTRAP"):
        yield named
        return
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    port = free_port()
    container = (
        DockerContainer(KAFKA)
        .with_bind_ports(9092, port)
        .with_envs(**ONE_BROKER, KAFKA_ADVERTISED_LISTENERS=f"PLAINTEXT://localhost:{port}")
        .waiting_for(LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(60))
    )
    with container:
        yield f"localhost:{port}"


@contextmanager
def rabbitmq() -> Iterator[RabbitMQServer]:
    """Yield a RabbitMQ with the user `RABBITMQ_USER`."""
    with rabbitmq_container(port := free_port()) as container:
        yield RabbitMQServer(f"127.0.0.1:{port}", container)


def rabbitmq_container(port: int) -> "DockerContainer":
    """Return a RabbitMQ on a port of this machine, with the plugin that spreads over partitions."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import ExecWaitStrategy

    user, password = RABBITMQ_USER
    return (
        DockerContainer(RABBITMQ)
        .with_bind_ports(5672, port)
        .with_envs(RABBITMQ_DEFAULT_USER=user, RABBITMQ_DEFAULT_PASS=password)
        .with_volume_mapping(str(RABBITMQ_PLUGINS), "/etc/rabbitmq/enabled_plugins", "ro")
        .waiting_for(ExecWaitStrategy(["rabbitmq-diagnostics", "-q", "check_port_listener", "5672"]))
    )


@contextmanager
def redis() -> Iterator[str]:
    """Yield a Redis server: `BURSAR_TEST_REDIS_URL` or a container."""
    if named := os.environ.get("BURSAR_TEST_REDIS_URL"):
        yield named
        return
    from testcontainers.community.redis import RedisContainer

    with RedisContainer(REDIS) as container:
        yield f"redis://127.0.0.1:{container.get_exposed_port(6379)}/0"


@contextmanager
def keycloak() -> Iterator[str]:
    """Yield the address of a Keycloak with the administrator `KEYCLOAK_ADMIN`."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import HttpWaitStrategy

    user, password = KEYCLOAK_ADMIN
    container = (
        DockerContainer(KEYCLOAK)
        .with_exposed_ports(8080)
        .with_envs(KC_BOOTSTRAP_ADMIN_USERNAME=user, KC_BOOTSTRAP_ADMIN_PASSWORD=password)
        .waiting_for(HttpWaitStrategy(8080, "/realms/master").for_status_code(200).with_startup_timeout(180))
    )
    if "keycloak/keycloak" in KEYCLOAK:  # the official image, which does nothing without a command
        container = container.with_command("start-dev")
    with container:
        yield f"http://127.0.0.1:{container.get_exposed_port(8080)}"


@contextmanager
def collector() -> Iterator[Collector]:
    """Yield an OpenTelemetry collector."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import HttpWaitStrategy

    with TemporaryDirectory() as folder:
        out = Path(folder)
        out.chmod(0o777)  # the collector has a user of its own
        (out / "collector.yaml").write_text(COLLECTOR_CONFIGURATION)
        container = (
            DockerContainer(COLLECTOR)
            .with_exposed_ports(4318, 13133)
            .with_volume_mapping(folder, "/out", "rw")
            .with_command("--config=/out/collector.yaml")
            .waiting_for(HttpWaitStrategy(13133, "/").for_status_code(200).with_startup_timeout(60))
        )
        with container:
            yield Collector(f"http://127.0.0.1:{container.get_exposed_port(4318)}", out / "traces.jsonl")


@contextmanager
def etcd() -> Iterator[str]:
    """Yield the address of an etcd."""
    port = free_port()
    with etcd_container(port):
        yield f"http://127.0.0.1:{port}"


def etcd_container(port: int) -> "DockerContainer":
    """Return an etcd on a port of this machine."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import HttpWaitStrategy

    started = HttpWaitStrategy(2379, "/health").for_status_code(200).with_startup_timeout(60)
    container = DockerContainer(ETCD).with_bind_ports(2379, port).waiting_for(started)
    if "coreos/etcd" in ETCD:  # the official image, which listens on no address of others without it
        container = container.with_command(ETCD_COMMAND)
    return container


@contextmanager
def victorialogs() -> Iterator[str]:
    """Yield the address of a store of logs, which takes Elasticsearch's bulk API."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import HttpWaitStrategy

    container = (
        DockerContainer(VICTORIALOGS)
        .with_exposed_ports(9428)
        .waiting_for(HttpWaitStrategy(9428, "/health").for_status_code(200).with_startup_timeout(60))
    )
    with container:
        yield f"http://127.0.0.1:{container.get_exposed_port(9428)}"


@contextmanager
def monitors(folder: Path, prometheus_port: int, alertmanager_port: int) -> Iterator["DockerContainer"]:
    """Yield a Prometheus beside an Alertmanager, both in the network of this machine.

    `folder` has `prometheus.yml` and `alertmanager.yml`, and what they name below `/etc/bursar`.
    """
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import ExecWaitStrategy

    # The files as root has them: the official images have a user of their own.
    shared: dict[str, Any] = {"network_mode": "host", "user": "root"}
    named = {ALERTMANAGER: ("alertmanager", alertmanager_port), PROMETHEUS: ("prometheus", prometheus_port)}
    with ExitStack() as running:
        for image, (name, port) in named.items():
            container = DockerContainer(image).with_kwargs(**shared).with_volume_mapping(str(folder), "/etc/bursar")
            command = f"--config.file=/etc/bursar/{name}.yml --web.listen-address=127.0.0.1:{port}"
            running.enter_context(container.with_command(command))
        ready = ["promtool", "check", "ready", f"--url=http://127.0.0.1:{prometheus_port}"]
        ExecWaitStrategy(ready).with_startup_timeout(60).wait_until_ready(container)
        yield container


def free_port() -> int:
    """Return an unused port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])

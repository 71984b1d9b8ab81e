"""The servers that tests run on: running ones if the environment names them, containers otherwise."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import docker
from testcontainers.community.mysql import MySqlContainer
from testcontainers.community.redis import RedisContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

MYSQL = os.environ.get("BURSAR_TEST_MYSQL_IMAGE", "mysql:9")
KAFKA = os.environ.get("BURSAR_TEST_KAFKA_IMAGE", "apache/kafka:4.1.0")
REDIS = os.environ.get("BURSAR_TEST_REDIS_IMAGE", "redis:8")


@dataclass(frozen=True, slots=True)
class MySqlServer:
    """A MySQL whose root may make databases."""

    host: str
    port: int
    password: str
    user: str = "root"


@cache
def no_docker() -> str | None:
    """Return why there are no containers, or None if there can be."""
    try:
        docker.from_env(timeout=5).ping()
    except docker.errors.DockerException as error:
        return f"no Docker engine answers ({type(error).__name__})"
    return None


@contextmanager
def mysql() -> Iterator[MySqlServer]:
    """Lend a MySQL server: `BURSAR_TEST_MYSQL_URL` (host:port:password of root) or a container."""
    if named := os.environ.get("BURSAR_TEST_MYSQL_URL"):
        host, port, password = named.split(":")
        yield MySqlServer(host, int(port), password)
        return
    with MySqlContainer(MYSQL, dialect="asyncmy", root_password="root") as container:
        yield MySqlServer("127.0.0.1", int(container.get_exposed_port(3306)), "root")


@contextmanager
def kafka() -> Iterator[str]:
    """Lend a Kafka broker: `BURSAR_TEST_KAFKA_BOOTSTRAP` or a container."""
    if named := os.environ.get("BURSAR_TEST_KAFKA_BOOTSTRAP"):
        yield named
        return
    port = free_port()
    container = (
        DockerContainer(KAFKA)
        .with_bind_ports(9092, port)
        .with_env("KAFKA_ADVERTISED_LISTENERS", f"PLAINTEXT://localhost:{port}")
        .waiting_for(LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(60))
    )
    with container:
        yield f"localhost:{port}"


@contextmanager
def redis() -> Iterator[str]:
    """Lend a Redis server in a container."""
    with RedisContainer(REDIS) as container:
        yield f"redis://127.0.0.1:{container.get_exposed_port(6379)}/0"


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])

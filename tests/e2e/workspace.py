"""`bursar` in separate processes, with a folder for its configuration and files."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from config.sections.servers import Kafka, MySQL, RabbitMQ
from tests.databases import ENCRYPTION
from tests.e2e import fork_server as forks

BURSAR = str(Path(sys.executable).with_name("bursar"))


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with a configuration."""

    folder: Path
    config: Path | None
    environment: dict[str, str]

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        at = ("--config", str(self.config)) if self.config else ()
        return forks.run([*words, *at], self.folder, self._env(), stdin)

    def json(self, *words: str) -> Any:
        """Run one command, and decode the JSON it prints."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @contextmanager
    def serve(self) -> Iterator["Running"]:
        """Run `bursar serve` until the end of the block, and then stop it with SIGINT."""
        running = self.start()
        try:
            running.wait_until_ready()
            yield running
        finally:
            if running.process.poll() is None:
                running.process.send_signal(signal.SIGINT)
            running.process.wait(timeout=15)

    def start(self, *words: str) -> "Running":
        """Start one command, `serve` by default."""
        log = self.folder / "serve.log"
        log.write_text("")
        at = ("--config", str(self.config)) if self.config else ()
        files = {"out": str(log), "err": str(log)}
        process = forks.Process([*(words or ["serve"]), *at], self.folder, self._env(), files)
        return Running(process, log, self.api_key)

    def api_key(self) -> str:
        """Return a new API key of an administrator."""
        account = self.json("accounts", "create", "--role", "administrator", "--name", "Tests")
        credential: str = self.json("api-keys", "create", account["id"], "--name", "tests")["credential"]
        return credential

    def messages(self) -> list[dict[str, str]]:
        """Return the messages that the vendors recorded."""
        record = self.folder / "vendors.jsonl"
        return [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []

    def _env(self) -> dict[str, str]:
        return {**os.environ, **self.environment}


@dataclass(slots=True)
class Running:
    """A running server."""

    process: forks.Process
    log: Path
    new_api_key: Callable[[], str]
    url: str = ""
    api_key: str = ""

    def wait_until_ready(self, seconds: float = 30) -> None:
        """Wait for the address that it prints."""

        def address() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            if found := re.search(r"open: (http://\S+)", self.log.read_text()):
                self.url = found[1]
            return bool(self.url)

        until(address, seconds)

    def client(self) -> httpx.Client:
        """Return an HTTP client of the server, which sends an administrator's API key."""
        self.api_key = self.api_key or self.new_api_key()
        return httpx.Client(base_url=self.url, timeout=10, headers={"Authorization": f"Bearer {self.api_key}"})


def until(check: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until a condition holds; fail after the time limit."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"still not so after {seconds} s"
        time.sleep(0.05)


def on_real_servers(mysql: MySQL, broker: Kafka | RabbitMQ, **changes: str) -> dict[str, str]:
    """Return environment variables that use the default configuration with MySQL and a broker."""
    given = {
        "PROVISION": "false",
        "ADAPTERS__PERSISTENCE": "mysql",
        "ADAPTERS__EMAIL": "sandbox",
        "ADAPTERS__SMS": "sandbox",
        "ENCRYPTION__KEYS": ENCRYPTION.keys.reveal(),
        "MYSQL__HOST": mysql.host,
        "MYSQL__PORT": str(mysql.port),
        "MYSQL__DATABASE": mysql.database,
        "MYSQL__USER": mysql.user,
        "MYSQL__PASSWORD": mysql.password.reveal(),
        "HTTP__PORT": "0",
        "IDENTITY__SECRET": "the secret of an installation under test",
    }
    return {f"BURSAR__{name}": value for name, value in (given | on_broker(broker) | changes).items()}


def on_broker(broker: Kafka | RabbitMQ) -> dict[str, str]:
    """Return the variables that use a broker."""
    given = {"topic_prefix": broker.topic_prefix, "partitions": str(broker.partitions)}
    if isinstance(broker, Kafka):
        word, own = "kafka", {"bootstrap": broker.bootstrap, "group": broker.group}
    else:
        word, own = "rabbitmq", {"nodes": broker.nodes, "vhost": broker.vhost, "user": broker.user}
        own["password"] = broker.password.reveal()
    named = {f"{word}__{name}".upper(): value for name, value in (given | own).items()}
    return {"ADAPTERS__EVENTS": word, **named}

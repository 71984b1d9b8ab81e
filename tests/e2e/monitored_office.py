"""Four processes of one office, watched by a real Prometheus and Alertmanager that calls back."""

import asyncio
import json
import shutil
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from testcontainers.core.container import DockerContainer

from tests.containers import free_port, monitors
from tests.e2e.workspace import Running, Workspace

DEPLOY = Path(__file__).parents[2] / "deploy"
ROLES = ("http", "relay", "consumer,dispatcher", "scheduler")


@dataclass(slots=True)
class Hook:
    """A receiver of alerts."""

    heard: list[dict[str, Any]] = field(default_factory=list)

    def told(self, name: str, status: str) -> list[dict[str, str]]:
        """Return the labels of alerts that were heard with a status."""
        return [
            each["labels"] for each in self.heard if (each["labels"]["alertname"], each["status"]) == (name, status)
        ]


@contextmanager
def hook() -> Iterator[tuple[Hook, int]]:
    """Yield a receiver and its port."""
    found = Hook()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.heard.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found, server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(slots=True)
class MonitoredOffice:
    """The office, its monitors, and what they heard."""

    addresses: Mapping[str, str]
    prometheus: str
    container: DockerContainer
    hook: Hook

    async def query(self, query: str) -> list[dict[str, Any]]:
        """Return the result of an instant query; raise for one that Prometheus refuses."""
        async with httpx.AsyncClient(timeout=10) as client:
            answer = (await client.get(f"{self.prometheus}/api/v1/query", params={"query": query})).json()
        assert answer["status"] == "success", (query, answer)
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    async def get(self, role: str, path: str) -> httpx.Response:
        """Ask the listener of a process."""
        async with httpx.AsyncClient(timeout=10) as client:
            return await client.get(f"http://{self.addresses[role]}{path}")

    async def up(self) -> bool:
        """Tell whether Prometheus reads every process."""
        return len(await self.query('up{job="bursar"} == 1')) == len(self.addresses)


@asynccontextmanager
async def monitored_office(
    folder: Path, environment: Mapping[str, str], changes: Mapping[str, Mapping[str, str]]
) -> AsyncIterator[MonitoredOffice]:
    """Start the processes, each with its `changes` of the environment, and the monitors."""
    addresses = {role: f"127.0.0.1:{free_port()}" for role in ROLES}
    with ExitStack() as opened:
        heard, hook_port = opened.enter_context(hook())
        ports = free_port(), free_port()
        configuration = folder / "monitors"
        configuration.mkdir(mode=0o755)
        write_configuration(configuration, list(addresses.values()), hook_port, ports[1])
        started: list[Running] = []
        try:
            for role, address in addresses.items():
                own = folder / role
                own.mkdir()
                named = {"BURSAR__SERVE": role, "BURSAR__TELEMETRY__METRICS_ADDRESS": address, **changes.get(role, {})}
                started.append(Workspace(own, None, {**environment, **named}).start())
            container = opened.enter_context(monitors(configuration, *ports))
            yield MonitoredOffice(addresses, f"http://127.0.0.1:{ports[0]}", container, heard)
        finally:
            for each in started:
                if each.process.poll() is None:
                    each.process.send_signal(15)
            await asyncio.gather(*(asyncio.to_thread(each.process.wait, 30) for each in started))


def write_configuration(folder: Path, targets: Sequence[str], hook_port: int, alertmanager_port: int) -> None:
    """Write the configurations of both monitors, with the rules of deploy/."""
    for rules in (DEPLOY / "prometheus").glob("*.yml"):
        shutil.copy(rules, folder)
    prometheus = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["/etc/bursar/alerts.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager_port}"]}]}]},
        "scrape_configs": [{"job_name": "bursar", "static_configs": [{"targets": targets}]}],
    }
    webhook = {"url": f"http://127.0.0.1:{hook_port}/", "send_resolved": True}
    alertmanager = {
        "route": {"receiver": "hook", "group_wait": "1s", "group_interval": "1s"},
        "receivers": [{"name": "hook", "webhook_configs": [webhook]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(prometheus))
    (folder / "alertmanager.yml").write_text(json.dumps(alertmanager))

"""The gateway of deploy/gateway, a real Traefik, in front of servers that misbehave."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from testcontainers.core.container import DockerContainer

from tests import containers as stack
from tests.e2e.workspace import until

GATEWAY = Path(__file__).parents[2] / "deploy/gateway"


class Server(BaseHTTPRequestHandler):
    """Answers with the method; a broken one answers its health check only."""

    protocol_version = "HTTP/1.1"
    asked: Counter[str]
    broken = False

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/health/ready":
            self.asked[self.command] += 1
        if self.broken and self.path != "/health/ready":
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - names of the library

    def log_message(self, *arguments: object) -> None:
        """Write nothing."""


@contextmanager
def serving(*, broken: bool = False) -> Iterator[tuple[int, Counter[str]]]:
    """Run a server; yield its port, and how often each method was asked."""
    asked = Counter[str]()
    kind = type("Kind", (Server,), {"asked": asked, "broken": broken})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        try:
            yield server.server_port, asked
        finally:
            server.shutdown()


@contextmanager
def gateway(folder: Path, *servers: int, seconds_between_checks: int = 1, **variables: str) -> Iterator[httpx.Client]:
    """Run the gateway in front of servers of this machine; yield its client."""
    port = stack.free_port()
    for file in GATEWAY.iterdir():
        text = file.read_text().replace("address: :8000", f"address: 127.0.0.1:{port}")
        (folder / file.name).write_text(text.replace("interval: 1s", f"interval: {seconds_between_checks}s"))
    named = {"BURSAR_HTTP_SERVERS": ",".join(f"127.0.0.1:{each}" for each in servers), **variables}
    container = DockerContainer(stack.TRAEFIK).with_command(["--configFile=/etc/traefik/traefik.yml"])
    container = container.with_envs(**named).with_volume_mapping(str(folder), "/etc/traefik", "ro")
    with container.with_kwargs(network_mode="host"), httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:

        def has_routes() -> bool:
            try:
                return client.get("/health/ready").status_code != 404
            except httpx.TransportError:
                return False

        until(has_routes)
        yield client


@pytest.fixture(autouse=True)
def _docker(request: pytest.FixtureRequest) -> None:
    """Skip the tests with a reason where there is no Docker."""
    if reason := stack.no_docker():
        if request.config.getoption("--require-stack"):
            pytest.fail(f"traefik is required, but {reason}")
        pytest.skip(f"traefik: {reason}")


def test_only_requests_that_change_nothing_are_repeated_at_another_server(tmp_path: Path) -> None:
    away = stack.free_port()
    with serving() as (good, asked), gateway(tmp_path, good, away, seconds_between_checks=60) as client:
        reads = Counter(client.get("/v1/fee-schedules").status_code for _ in range(20))
        writes = Counter(client.request(method, "/v1/x").status_code for method in ("POST", "PUT", "DELETE") * 8)

    assert reads == {200: 20}
    assert set(writes) == {200, 502}
    assert sum(asked[method] for method in ("POST", "PUT", "DELETE")) == writes[200]


def test_a_request_that_a_server_may_have_executed_is_never_repeated(tmp_path: Path) -> None:
    with serving() as (good, asked), serving(broken=True) as (bad, lost), gateway(tmp_path, good, bad) as client:
        for _ in range(12):
            client.post("/v1/exam-fees")

    assert lost["POST"] > 0
    assert asked["POST"] + lost["POST"] == 12


def test_metrics_stay_inside(tmp_path: Path) -> None:
    with serving() as (port, asked), gateway(tmp_path, port) as client:
        assert [client.request(method, "/metrics").status_code for method in ("GET", "POST")] == [404, 404]

    assert not asked


def test_an_address_that_asks_too_often_is_answered_429(tmp_path: Path) -> None:
    limits = {"BURSAR_GATEWAY_RATE": "1", "BURSAR_GATEWAY_BURST": "5"}
    with serving() as (port, asked), gateway(tmp_path, port, **limits) as client:
        answers = Counter(client.get("/v1/fee-schedules").status_code for _ in range(20))

    assert answers[429] >= 10
    assert asked["GET"] == answers[200] >= 1


def test_a_server_that_is_not_ready_gets_no_requests(tmp_path: Path) -> None:
    with serving() as (good, _), gateway(tmp_path, good, stack.free_port()) as client:
        until(lambda: {client.post("/v1/quotes").status_code for _ in range(10)} == {200})

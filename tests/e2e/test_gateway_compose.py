"""The gateways that files of deploy/gateway put in the place of that of compose.yaml, in front of small servers."""

import json
import os
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests import containers as stack
from tests.e2e.compose import IMAGES, PYTHON, REPOSITORY, required_compose
from tests.e2e.workspace import until

GATEWAYS = ("labels", "envoy")
SERVICES = ("http", "http-2", "prometheus", "gateway")
SERVER = """
import http.server, json, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        refused = self.path.startswith("/v1/principal") and self.headers["Authorization"] != "Bearer bursar_auditor"
        if self.path == "/slow":
            print("slow", flush=True)
            time.sleep(1.5)
        body = json.dumps({"server": sys.argv[1], "path": self.path, "headers": dict(self.headers)}).encode()
        self.send_response(401 if refused else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Bursar-Subject", "account:auditor")
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[2])), Handler).serve_forever()
"""


@dataclass(frozen=True, slots=True)
class Project:
    """A compose project whose office and Prometheus are small servers."""

    name: str
    files: Sequence[Path]
    port: int

    def run(self, *words: str) -> str:
        """Run a command of compose; return its output."""
        named = {"BURSAR_HTTP_PORT": str(self.port), "BURSAR_HTTP_SERVERS": "http:8000,http-2:8000"}
        files = [word for file in self.files for word in ("--file", str(file))]
        ended = subprocess.run(
            ["docker", "compose", "--project-name", self.name, "--profile", "second", *files, *words],
            cwd=REPOSITORY,
            env={**os.environ, **IMAGES, **named},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr[-3000:]
        return ended.stdout

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20)


def small(name: str, port: int) -> dict[str, Any]:
    """Return what makes a small server of a service."""
    asked = f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}/health/ready')"
    return {
        "image": PYTHON,
        "entrypoint": ["python3", "-c", SERVER, name, str(port)],
        "command": [],
        "healthcheck": {"test": ["CMD", "python3", "-c", asked], "interval": "0.5s", "start_period": "10s"},
        "working_dir": "/",
        "stop_grace_period": "1s",
    }


@pytest.fixture(params=GATEWAYS, scope="module")
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    required_compose(request)
    services = {name: small(name, 8000) for name in ("http", "http-2")} | {"prometheus": small("prometheus", 9090)}
    own = tmp_path_factory.mktemp(request.param) / "small.json"
    own.write_text(json.dumps({"services": services}))
    files = [Path("compose.yaml"), Path(f"deploy/gateway/{request.param}.compose.yaml"), own]
    made = Project(f"bursar-gateway-{uuid4().hex[:8]}", files, stack.free_port())
    try:
        made.run("up", "--no-deps", "--no-build", "--detach", "--wait", *SERVICES)
        yield made
    finally:
        made.run("down", "--volumes", "--timeout", "1")


def test_a_gateway_of_compose_asks_both_servers_and_hides_what_is_inside(project: Project) -> None:
    with project.client() as client:

        def servers() -> set[str]:
            answers = [client.get("/v1/fee-schedules") for _ in range(6)]
            return {each.json()["server"] for each in answers if each.is_success}

        until(lambda: servers() == {"http", "http-2"})
        assert {client.get(path).status_code for path in ("/metrics", "/%6detrics")} == {404}
        refused = Counter(client.get("/prometheus/api/v1/query").status_code for _ in range(3))
        auditor = {"Authorization": "Bearer bursar_auditor", "Bursar-Subject": "forged", "Bursar_Subject": "forged"}
        figures = client.get("/prometheus/api/v1/query?query=up", headers=auditor).json()

    assert refused == {401: 3}
    assert (figures["server"], figures["path"]) == ("prometheus", "/api/v1/query?query=up")
    told = {name.lower(): value for name, value in figures["headers"].items()}
    assert told["bursar-subject"] == "account:auditor"
    assert "forged" not in told.values()
    assert "authorization" not in told


@pytest.mark.parametrize("project", ["envoy"], indirect=True)
def test_an_envoy_that_ends_completes_what_it_has_begun(project: Project) -> None:  # the last one: it is gone then
    answered = list[int]()
    with project.client() as client:
        asking = threading.Thread(target=lambda: answered.append(client.get("/slow").status_code))
        asking.start()
        until(lambda: "slow" in project.run("logs", "http", "http-2"))
        project.run("stop", "gateway")
        asking.join()

    assert answered == [200]

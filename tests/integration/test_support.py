"""`bursar top` and `bursar support-bundle` tell how an office does, and nothing about persons and secrets."""

import json
import stat
import tarfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from config.container import Application, running
from config.described_settings import MIN_SECRET_LENGTH, parts_of
from config.sections.identity import OpenIdProvider
from config.sections.office import Inventory
from config.sections.section import Secret
from config.sections.servers import Kafka, Redis, Registry
from config.sections.vendors import Ses, Smtp, Twilio
from config.settings import Settings
from core.notifications.delivery import DeliveryState
from entrypoints.cli.runtime import Runtime
from entrypoints.contexts import create_bursar
from entrypoints.runtime.configured_runtime import ConfiguredRuntime
from tests.applications import an_application
from tests.contract.test_deliveries import a_delivery, add
from tests.examples import NOON, a_student, enrol

EMAIL, PHONE, NAME = "kanchana.canary@example.org", "+919812345670", "Kanchana Canarypillai"
METRICS = """# TYPE bursar_http_seconds histogram
bursar_http_seconds_count{{method="GET",route="/",status="200"}} {requests}
bursar_http_seconds_count{{method="GET",route="/",status="503"}} 0
# TYPE bursar_projection_lag_seconds gauge
bursar_projection_lag_seconds{{projection="inventory"}} 2.5
"""


def with_canaries(value: Any, path: str = "") -> Any:
    """Return settings whose every secret is a canary."""
    if path.endswith("webhook_secret"):
        return Secret("whsec_Q2FuYXJ5LWJhdHRlcnktc3RhcGxlLW9mLXdlYmhvb2tz")
    if isinstance(value, Secret):
        return (
            value if path.endswith((".keys", ".url")) else Secret(f"Canary-battery-staple-of{path.replace('.', '-')}")
        )
    if not isinstance(value, msgspec.Struct):
        return value
    new = {name: with_canaries(getattr(value, name), f"{path}.{name}") for name in value.__struct_fields__}
    return msgspec.structs.replace(
        value, **{name: each for name, each in new.items() if each is not getattr(value, name)}
    )


@pytest.fixture
def process() -> Iterator[str]:
    """Serve metrics whose counter rises with each reading."""
    count = 0

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal count
            count += 100
            self.send_response(200 if self.path == "/metrics" else 404)
            self.end_headers()
            self.wfile.write(METRICS.format(requests=count).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Metrics) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def bursar(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that runs a command with settings, and returns what it printed."""

    def run(settings: Settings, *words: str) -> str:
        @asynccontextmanager
        async def opened(*_: object) -> AsyncIterator[Runtime]:
            async with running(an_application(settings)) as application:
                yield ConfiguredRuntime(application, settings)

        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            typer.main.get_command(create_bursar(opened))(words)
        printed, faults = capsys.readouterr()
        assert not ended.value.code, faults
        return printed

    return run


@pytest.fixture
async def filled(stored: Application) -> Settings:
    """Return the settings of an office with a student and deliveries in doubt."""
    await enrol(stored, a_student(1, name=NAME, email=EMAIL, phone=PHONE))
    unknown = replace(a_delivery(), state=DeliveryState.UNKNOWN, in_doubt_since=NOON - timedelta(hours=30))
    await add(stored, unknown, a_delivery())
    settings: Settings = stored.settings()
    return settings


on_databases = pytest.mark.parametrize("stored_settings", ["sqlite", "mysql"], indirect=True)


@on_databases
def test_top_tells_what_waits_and_how_fast_processes_are(filled: Settings, bursar: Any, process: str) -> None:
    words = ("top", "--once", "--seconds", "0.2", "--at", process, "--at", "http://127.0.0.1:1")
    seen = json.loads(bursar(filled, *words, "--json"))

    waiting = {each["kind"]: (each["count"], bool(each["oldest"])) for each in seen["waiting"]}
    assert waiting["deliveries unknown email"] == waiting["deliveries pending email"] == (1, True)
    assert waiting["dead letters"] == waiting["events for the broker"] == (0, False)
    answering, away = seen["processes"]
    assert 20 < answering["per_second"]["requests"] <= 500
    assert (answering["per_second"]["errors"], answering["lag_seconds"], answering["fault"]) == (0, 2.5, "")
    assert "refused" in away["fault"].lower()

    printed = bursar(filled, *words)
    assert "deliveries unknown" in printed
    assert "does not answer" in printed
    assert "\x1b" not in printed


@on_databases
def test_a_bundle_has_no_secret_and_no_personal_data(
    filled: Settings, bursar: Any, process: str, tmp_path: Path
) -> None:
    campus = OpenIdProvider(issuer="http://127.0.0.1:1", client_id="b", client_secret=Secret("Canary-oidc-1"))
    whole = msgspec.structs.replace(
        filled,
        oidc={"campus": campus},
        kafka=Kafka(sasl="scram-sha-512", user="canary-kafka", password=Secret("replaced"), bootstrap="127.0.0.1:1"),
        http=msgspec.structs.replace(filled.http, public_url="http://localhost:8000"),
        registry=Registry(url="https://127.0.0.1:1", user="canary-registry", password=Secret("replaced")),
        redis=Redis(url=Secret("redis://canary-user:Canary%40redis@127.0.0.1:1/0")),
        inventory=Inventory(name=NAME, email=EMAIL, phone=PHONE),
        smtp=Smtp(host="127.0.0.1", port=1, user="canary-smtp-account"),
        ses=Ses(access_key_id="AKIACANARYCANARY", url="http://127.0.0.1:1"),
        twilio=Twilio(account_sid="ACcanary0123456789", url="http://127.0.0.1:1"),
        adapters=msgspec.structs.replace(filled.adapters, cache="redis", email=("smtp", "ses"), sms=("twilio",)),
    )
    settings = msgspec.structs.replace(with_canaries(whole), mysql=whole.mysql)
    secrets = [part for each in secret_values(settings) for part in parts_of(each) if len(part) >= MIN_SECRET_LENGTH]
    log, file = tmp_path / "bursar.log", tmp_path / "bundle.tar.gz"
    log.write_text("\n".join([*secrets, EMAIL, PHONE, "the last line"]))

    bursar(settings, "support-bundle", "--output", str(file), "--log", str(log), "--at", process)

    with tarfile.open(file) as packed:
        parts = {each.name.partition("/")[2]: packed.extractfile(each).read().decode() for each in packed.getmembers()}  # type: ignore[union-attr]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(parts) == {
        "versions.json", "settings.json", "doctor.json", "figures.json", "metrics-1.txt", "log.txt",
    }  # fmt: skip
    everything = "\n".join(parts.values())
    assert [each for each in (*secrets, EMAIL, PHONE, NAME) if each in everything] == []
    assert "canary" not in everything.lower()
    assert "the last line" in parts["log.txt"]
    assert json.loads(parts["settings.json"])["identity"]["secret"] == "(set)"
    assert json.loads(parts["figures.json"])["schema"] >= "0022"
    assert {each["ready"] for each in json.loads(parts["doctor.json"])} == {True, False}
    assert "bursar_http_seconds_count" in parts["metrics-1.txt"]


def secret_values(value: Any) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from secret_values(getattr(value, name))
    elif isinstance(value, dict):
        for each in value.values():
            yield from secret_values(each)

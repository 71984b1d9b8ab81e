"""The wheel in an empty environment, outside this repository."""

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pypdfium2
import pytest

from tests.e2e.workspace import until

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("core", "adapters", "config", "entrypoints")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}


def run(*command: object, folder: Path, seconds: float = 300) -> str:
    words = [str(word) for word in command]
    ended = subprocess.run(
        words, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert ended.returncode == 0, f"{' '.join(words)}\n{ended.stdout[-2000:]}\n{ended.stderr[-4000:]}"
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, so that the build leaves no files here."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(REPOSITORY / name, source)
    for name in (*PACKAGES, "tests"):
        shutil.copytree(REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    run("uv", "build", "--wheel", "--quiet", "--out-dir", "dist", folder=source)
    (built,) = (source / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bursar(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel as the container image does: the exported requirements, then the wheel without dependencies."""
    home = tmp_path_factory.mktemp("installed")
    python = home / "env/bin/python"
    requirements = REPOSITORY / "deploy/requirements.txt"
    run("uv", "venv", "--quiet", "--python", sys.executable, "env", folder=home)
    run("uv", "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", requirements, folder=home)
    run("uv", "pip", "install", "--quiet", "--python", python, "--no-deps", wheel, folder=home)
    return home / "env/bin/bursar"


def test_the_wheel_holds_the_packages_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        folders = {Path(name).parts[0] for name in archive.namelist()}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == set(PACKAGES)


def test_the_exported_requirements_are_what_the_wheel_needs(bursar: Path) -> None:
    run("uv", "pip", "check", "--quiet", "--python", bursar.with_name("python"), folder=bursar.parent)


def test_the_demonstration_loses_and_doubles_nothing(bursar: Path, tmp_path: Path) -> None:
    outcome = json.loads(run(bursar, "demo", "--candidates", 5, "--json", folder=tmp_path))
    assert outcome["submitted"] == outcome["confirmed"] == outcome["paid"] == outcome["receipts"] == 5
    assert outcome["lost"] == outcome["duplicates"] == 0
    assert list(tmp_path.iterdir()) == []


def test_what_it_serves_travels_with_it(bursar: Path, tmp_path: Path) -> None:
    with serving(bursar, tmp_path) as url, httpx.Client(base_url=url) as client:
        client.headers["Authorization"] = f"Bearer {(tmp_path / 'bursar.key').read_text().strip()}"
        page = client.get("/docs").text
        assets = [word for word in page.split('"') if word.startswith("/docs-assets/")]
        assert len(assets) == 3
        served = [client.get(asset).raise_for_status().content for asset in assets]
        assert sum(len(content) > 10_000 for content in served) == 2, "Swagger UI, beside the page's own script"

        shipped = {path.stem for path in (REPOSITORY / "config/data/schedules").glob("*.toml")}
        assert shipped <= {schedule["code"] for schedule in client.get("/v1/fee-schedules").json()}

        fee = {"schedule": "sahyadri-semester", "registration": "SU-2026-0001"}
        answer = client.post("/v1/exam-fees", json=fee, headers={"Idempotency-Key": "first"}).raise_for_status()

        def both_accepted() -> bool:
            timeline = client.get(f"/v1/exam-fees/{answer.json()['reference']}").json()["timeline"]
            return {"email accepted", "sms accepted"} <= {entry["what"] for entry in timeline}

        until(both_accepted)


def test_a_receipt_in_hindi_is_printed_with_the_fonts_of_the_wheel(bursar: Path, tmp_path: Path) -> None:
    with serving(bursar, tmp_path) as url, httpx.Client(base_url=url) as client:
        client.headers["Authorization"] = f"Bearer {(tmp_path / 'bursar.key').read_text().strip()}"
        fee = {"schedule": "sahyadri-semester", "registration": "SU-2026-0002"}
        submitted = client.post("/v1/exam-fees", json=fee, headers={"Idempotency-Key": "fee"}).raise_for_status()
        reference = submitted.json()["reference"]
        opened: list[httpx.Response] = []
        receipts: list[dict[str, str]] = []

        def is_open() -> bool:
            path, key = f"/v1/exam-fees/{reference}/payments", {"Idempotency-Key": "pay"}
            opened.append(client.post(path, headers=key))
            return opened[-1].status_code == 201

        def is_receipted() -> bool:
            receipts.extend(client.get(f"/v1/receipts?fee={reference}").raise_for_status().json()["receipts"])
            return bool(receipts)

        until(is_open)
        client.post(opened[-1].json()["checkout"]["url"], data={"outcome": "paid"}).raise_for_status()
        until(is_receipted)
        paper = client.get(f"/v1/receipts/{receipts[0]['number']}/pdf").raise_for_status().content

    [page] = pypdfium2.PdfDocument(paper)
    text = page.get_textpage().get_text_range()
    assert [told for told in ("Ravi Deshpande", "रुपये", "रसीद", receipts[0]["number"]) if told not in text] == []


@contextmanager
def serving(bursar: Path, folder: Path) -> Iterator[str]:
    """Run `bursar serve` without a configuration in an empty folder, and yield its address."""
    with (folder / "stderr").open("wb") as errors:
        process = subprocess.Popen(
            [bursar, "serve"],
            cwd=folder,
            env={**ENVIRONMENT, "BURSAR__HTTP__PORT": "0"},
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    assert process.stdout is not None
    with process, process.stdout:
        try:
            yield announced(process, folder)
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(20)
        assert code == 0


def announced(process: "subprocess.Popen[bytes]", folder: Path, seconds: float = 60) -> str:
    """Return the address that the process announces."""
    assert process.stdout is not None
    said, deadline = b"", time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while b"/docs" not in said and selector.select(max(0, deadline - time.monotonic())):
            if not (more := os.read(process.stdout.fileno(), 4096)):
                break
            said += more
    address = [word for word in said.decode().split() if word.startswith("http://")]
    assert address, f"{said!r}\n{(folder / 'stderr').read_text()[-3000:]}"
    return address[0]

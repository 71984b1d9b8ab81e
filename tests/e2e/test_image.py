"""The container image: what is in it, how it starts without a shell, and how it ends."""

import json
import os
import subprocess
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests import containers as stack
from tests.e2e.compose import IMAGES, PYTHON, REPOSITORY, required_compose

MAX_BYTES_OVER_BASE = 200_000_000
MAX_START_SECONDS = 2.0
LOCKED = [
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
]
ALONE = {"HTTP__HOST": "0.0.0.0", "ADAPTERS__PERSISTENCE": "memory", "PROVISION": "true"}
INSTALLED = """
import json
from importlib.metadata import distributions
print(json.dumps(sorted(f"{each.name.lower()}=={each.version}" for each in distributions())))"""


def docker(*words: str, seconds: float = 60) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["docker", *words], capture_output=True, text=True, timeout=seconds, check=False)


@pytest.fixture(scope="module")
def built() -> Iterator[str]:
    name = f"bursar-image-{uuid4().hex[:8]}"
    environment = {**os.environ, **IMAGES, "BURSAR_IMAGE": name, "BURSAR_REVISION": "0123abc"}
    command = ["docker", "compose", "build", "--quiet", "http"]
    subprocess.run(command, cwd=REPOSITORY, env=environment, timeout=600, check=True, capture_output=True)
    yield name
    docker("image", "rm", name)


@pytest.fixture
def image(request: pytest.FixtureRequest) -> str:
    """Return the name of the image; skip the test with a reason if none can be built."""
    required_compose(request)
    found: str = request.getfixturevalue("built")
    return found


@contextmanager
def office(image: str, *options: str, **changes: str) -> Iterator[tuple[str, str, float]]:
    """Start a process with HTTP; yield its container, its address, and the seconds until it answers."""
    port, named = stack.free_port(), settings(ALONE | changes)
    began, url = time.monotonic(), f"http://127.0.0.1:{port}"
    started = docker("run", "--detach", f"--publish=127.0.0.1:{port}:8000", *LOCKED, *named, *options, image, "serve")
    assert started.returncode == 0, started.stderr
    container = started.stdout.strip()
    try:
        while not answers(url):
            assert time.monotonic() < began + 60, docker("logs", container)
            time.sleep(0.01)
        yield container, url, time.monotonic() - began
    finally:
        docker("rm", "--force", "--volumes", container)


def settings(changes: Mapping[str, str]) -> list[str]:
    return [f"--env=BURSAR__{name}={value}" for name, value in changes.items()]


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live", timeout=1).is_success
    except httpx.TransportError:
        return False


def test_it_is_small(image: str) -> None:
    sizes = docker("image", "inspect", "--format={{.Size}}", image, PYTHON).stdout.split()
    assert int(sizes[0]) - int(sizes[1]) <= MAX_BYTES_OVER_BASE


def test_its_labels_tell_what_it_is_and_where_it_comes_from(image: str) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    [found] = json.loads(docker("image", "inspect", image).stdout)
    standard = "org.opencontainers.image."
    labels = {name: text for name, text in found["Config"]["Labels"].items() if name.startswith(standard)}

    assert {name.removeprefix(standard): text for name, text in labels.items()} == {
        "source": "unknown",
        "title": "Bursar",
        "version": project["version"],
        "revision": "0123abc",
        "licenses": project["license"],
        "description": project["description"],
        "base.name": PYTHON,
    }


def test_its_bill_of_materials_lists_every_package_in_it(image: str) -> None:
    with_python = ("run", "--rm", "--entrypoint=python", image, "-c")
    bill = json.loads(docker(*with_python, "print(open('/opt/bursar/sbom.cdx.json').read())").stdout)
    installed = json.loads(docker(*with_python, INSTALLED).stdout)
    listed = [*bill["components"], bill["metadata"]["component"]]

    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "bursar")
    assert sorted(f"{each['name'].lower()}=={each['version']}" for each in listed) == installed


def test_each_of_its_libraries_can_be_loaded(image: str) -> None:
    loading = """
import ctypes, pathlib, sys
found = [each for each in pathlib.Path(sys.prefix).rglob('*.so*')]
for each in found: ctypes.PyDLL(str(each))
print(len(found))"""
    loaded = docker("run", "--rm", "--entrypoint=python", image, "-c", loading)
    assert int(loaded.stdout) > 40, loaded.stderr


def test_without_a_shell_it_starts_in_time_and_is_healthy(image: str, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.touch()
    hidden = [f"--volume={nothing}:/bin/{shell}:ro" for shell in ("sh", "bash", "dash")]
    fastest = float("inf")
    for _ in range(5):  # other programs of this machine can only make it slower
        with office(image, *hidden) as (container, _, seconds):
            fastest = min(fastest, seconds)
            shell = docker("exec", container, "sh", "-c", "true")
            if fastest > MAX_START_SECONDS:
                continue
            until_healthy = time.monotonic() + 30
            while (health := inspect(container, "{{.State.Health.Status}}")) == "starting":
                assert time.monotonic() < until_healthy
                time.sleep(0.1)
            break

    assert shell.returncode != 0
    assert health == "healthy"
    assert fastest <= MAX_START_SECONDS


def inspect(container: str, template: str) -> str:
    return docker("inspect", f"--format={template}", container).stdout.strip()


@pytest.mark.parametrize("number", ["TERM", "INT"])
def test_one_signal_ends_it_in_order_and_a_second_one_at_once(image: str, number: str) -> None:
    with office(image) as (container, _, _):
        docker("kill", f"--signal={number}", container)
        in_order = docker("wait", container).stdout.strip()
    with office(image, HTTP__DRAIN_SECONDS="60") as (container, url, _):
        docker("kill", f"--signal={number}", container)
        deadline = time.monotonic() + 10
        while httpx.get(f"{url}/health/ready").is_success:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        docker("kill", f"--signal={number}", container)
        at_once = docker("wait", container, seconds=20).stdout.strip()

    assert (in_order, at_once) == ("0", {"TERM": "143", "INT": "130"}[number])


@pytest.mark.parametrize(
    ("words", "changes", "code"),
    [
        (["serve"], {"HTTP__PORT": "no number"}, 1),
        (["serve", "--no-such-option"], {}, 2),
        (["serve"], {"ADAPTERS__PERSISTENCE": "mysql", "ENCRYPTION__KEYS": "1:" + "A" * 43, "PROVISION": "false"}, 75),
    ],
    ids=["misconfigured", "wrong command line", "no database"],
)
def test_its_exit_code_tells_whether_another_start_can_help(
    image: str, words: list[str], changes: dict[str, str], code: int
) -> None:
    ended = docker("run", "--rm", *LOCKED, *settings(changes), image, *words)
    assert ended.returncode == code, ended.stderr

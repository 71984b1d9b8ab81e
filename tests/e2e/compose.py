"""The stack of `compose.yaml` as a project of its own, and the images that it is made of."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests import containers as stack

REPOSITORY = Path(__file__).parents[2]
PYTHON = os.environ.get("BURSAR_TEST_PYTHON_IMAGE", "python:3.14-slim")
IMAGES = {
    "BURSAR_MYSQL_IMAGE": stack.MYSQL,
    "BURSAR_KAFKA_IMAGE": stack.KAFKA,
    "BURSAR_REDIS_IMAGE": stack.REDIS,
    "BURSAR_PYTHON_IMAGE": PYTHON,
    "BURSAR_TRAEFIK_IMAGE": stack.TRAEFIK,
    "BURSAR_ENVOY_IMAGE": stack.ENVOY,
    "BURSAR_PROMETHEUS_IMAGE": stack.PROMETHEUS,
}


@cache
def no_compose() -> str | None:
    """Return the reason why the stack cannot be started; None if it can."""
    if reason := stack.no_docker():
        return reason
    asked = ["docker", "compose", "version"]
    if not shutil.which("docker") or subprocess.run(asked, capture_output=True, check=False).returncode:
        return "there is no `docker compose`"
    return None


def required_compose(request: pytest.FixtureRequest) -> None:
    """Skip the test with a reason where nothing can be started; fail it where the stack is required."""
    if reason := no_compose():
        if request.config.getoption("--require-stack"):
            pytest.fail(f"the stack is required, but {reason}")
        pytest.skip(f"compose: {reason}")

"""The product as its users install it.

What tests and peers need is imported where it is installed (FastAPI by the container, for one): 10 MiB that no user
has.
"""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[1]
ENVIRONMENT = PROJECT / ".venv" / "installed"
TIMEOUT_SECONDS = 300


def installed(command: str) -> str:
    """Return the path of a command in an environment with the dependencies of the container image."""
    return str(prepared() / "bin" / command)


@cache
def prepared() -> Path:
    """Bring the environment up to date, and return its folder."""
    words = ["uv", "sync", "--quiet", "--python", sys.executable, "--no-default-groups", "--extra", "traces"]
    variables = os.environ | {"UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT)}
    subprocess.run(words, cwd=PROJECT, env=variables, check=True, timeout=TIMEOUT_SECONDS)  # noqa: S603 - fixed command
    return ENVIRONMENT

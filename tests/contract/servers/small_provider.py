"""The package `oidc-provider-mock`, in a process of its own: its libraries warn of one another."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.containers import free_port


@contextmanager
def small_provider() -> Iterator[str]:
    """Yield the issuer of a running provider."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            await_answer(f"http://localhost:{port}/jwks")
            yield f"http://localhost:{port}"
        finally:
            process.terminate()


def await_answer(url: str, deadline_seconds: float = 30.0) -> None:
    until = monotonic() + deadline_seconds
    while monotonic() < until:
        try:
            httpx.get(url).raise_for_status()
        except httpx.TransportError:
            sleep(0.05)  # the port is closed
        else:
            return
    raise TimeoutError(f"{url} did not answer")


def add_person(issuer: str, subject: str, *, verified: bool) -> None:
    claims = {"email": f"{subject}@example.org", "email_verified": verified, "name": subject.title()}
    httpx.put(f"{issuer}/users/{subject}", json=claims).raise_for_status()


def visit(url: str, subject: str) -> dict[str, str]:
    """Choose a person in the form; return the parameters with which the browser comes back."""
    answer = httpx.post(url, data={"sub": subject})
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}

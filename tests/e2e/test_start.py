"""A process imports only the packages it needs: counted in modules, because seconds depend on the machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

VENDORS = {"aiohttp", "aiokafka", "aiormq", "aiosmtplib", "botocore", "idna", "phonenumbers"}
SERVED = """
import asyncio
from entrypoints.__main__ import open_runtime

async def main():
    stop = asyncio.Event()
    async def opened(_):
        stop.set()
    async with open_runtime(None, {"http": {"port": 0}, "serve": %r}) as runtime:
        await runtime.serve(opened, stop)

asyncio.run(main())
"""
HELPED = """
import sys
from contextlib import suppress
from entrypoints.__main__ import main

sys.argv = ["bursar", "--help"]
with suppress(SystemExit):
    main()
"""
EVERYTHING = ["http", "consumer", "relay", "dispatcher", "scheduler"]


def imported(program: str, folder: Path, *, whole_names: bool = False) -> set[str]:
    """Return the packages, or the modules by their whole names, that a program has imported at its end."""
    tell = "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    words = [sys.executable, "-P", "-c", program + tell]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    names = json.loads(done.stdout.splitlines()[-1])
    return set(names) if whole_names else {name.partition(".")[0] for name in names}


def test_a_command_imports_no_framework_and_no_vendor_before_it_is_known_what_it_does(tmp_path: Path) -> None:
    frameworks = {"alembic", "aiobreaker", "jinja2", "litestar", "redis", "sqlalchemy", "uvicorn"}
    cryptography = {"argon2", "cryptography", "joserfc", "pyotp"}

    assert not imported("import entrypoints.__main__", tmp_path) & {*frameworks, *cryptography, *VENDORS}


def test_help_imports_nothing_of_the_composition_root(tmp_path: Path) -> None:
    composition = {"adapters", "dependency_injector", "fastapi", "pydantic", "pydantic_settings", "yaml"}

    found = imported(HELPED, tmp_path)

    assert "typer" in found
    assert not found & {*composition, "structlog"}


def test_help_imports_neither_rules_nor_messages_nor_the_commands_behind_a_word(tmp_path: Path) -> None:
    rules = {"core.fees.submission", "core.payments.fee_account", "core.use_cases"}
    behind_words = {"entrypoints.cli.jobs.jobs", "entrypoints.cli.ledger.ledger", "entrypoints.cli.payments.refunds"}

    found = imported(HELPED, tmp_path, whole_names=True)

    assert "entrypoints.cli.operations.serve" in found
    assert not found & {*behind_words, *rules, "entrypoints.messages", "entrypoints.routes", "prometheus_client"}


@pytest.mark.parametrize(
    ("serve", "spared"), [(EVERYTHING, set[str]()), (["http"], {"aiobreaker", "jinja2"})], ids=["everything", "http"]
)
def test_serve_imports_no_migrations_and_no_unconfigured_vendor(
    tmp_path: Path, serve: list[str], spared: set[str]
) -> None:
    imported(SERVED % serve, tmp_path)  # the first start creates the schema
    found = imported(SERVED % serve, tmp_path)

    assert {"litestar", "sqlalchemy"} <= found
    assert not found & {"alembic", "mako", *VENDORS, *spared}

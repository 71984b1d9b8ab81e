from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from config.renamed_settings import RENAMED
from config.sections.section import Misconfigured
from config.settings import Settings
from config.settings_file import load

VALUES = {
    "stores.email": "staff@example.org",
    "admission.most": 7,
    "http.shared": True,
    "notifications.absent_after_minutes": 7,
    "notifications.person_after_hours": 7,
    "resilience.concurrency": 7,
    "resilience.tries": 7,
    "sandbox.failing_percent": 7,
    "sandbox.record": "record.jsonl",
    "telemetry.logs": "json",
}
"""A value for a key under each former name, by its former path."""
Read = Callable[..., Settings]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(toml: str = "", environ: Mapping[str, str] | None = None) -> Settings:
        path = tmp_path / "bursar.toml"
        path.write_text(toml)
        return load(path, environ or {})

    return read


def current(path: str) -> str:
    """Return the current path of a key with a former one."""
    return RENAMED.get(path) or path.replace("stores.", "inventory.")


def variable(path: str) -> str:
    return "BURSAR__" + path.replace(".", "__").upper()


def toml(path: str, value: object) -> str:
    section, key = path.split(".")
    return f"[{section}]\n{key} = {str(value).lower() if not isinstance(value, str) else repr(value)}\n"


def value_at(settings: Settings, path: str) -> Any:
    section, key = path.split(".")
    return getattr(getattr(settings, section), key)


def test_every_former_name_is_tested() -> None:
    assert {path.replace("stores.email", "stores") for path in VALUES} == set(RENAMED)


@pytest.mark.parametrize("path", VALUES)
def test_a_former_name_in_the_file_is_accepted_with_a_warning(
    read: Read, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = read(toml(path, VALUES[path]))

    assert value_at(settings, current(path)) == VALUES[path]
    former = path if path in RENAMED else "stores"
    printed = capsys.readouterr()
    assert f"bursar.toml: {former} is now called {RENAMED[former]}" in printed.err
    assert printed.out == ""


@pytest.mark.parametrize("path", VALUES)
def test_a_former_variable_is_accepted_with_a_warning(
    read: Read, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = read("", {variable(path): str(VALUES[path])})

    assert value_at(settings, current(path)) == VALUES[path]
    assert f"{variable(path)} is now called {variable(current(path))}" in capsys.readouterr().err


@pytest.mark.parametrize("path", VALUES)
def test_a_current_name_gives_no_warning(read: Read, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    read(toml(current(path), VALUES[path]), {variable(current(path)): str(VALUES[path])})

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("path", VALUES)
def test_both_names_in_the_file_are_refused(read: Read, path: str) -> None:
    _, _, key = current(path).partition(".")
    both = toml(path, VALUES[path])
    both += toml(current(path), VALUES[path]) if path not in RENAMED else f"{key} = {both.partition(' = ')[2]}"
    former = path if path in RENAMED else "stores"

    with pytest.raises(Misconfigured, match=rf"bursar\.toml: {former} and {RENAMED[former]} are both set"):
        read(both)


@pytest.mark.parametrize("path", VALUES)
@pytest.mark.parametrize("suffix", ["", "_FILE"])
def test_both_variables_are_refused(read: Read, path: str, suffix: str) -> None:
    former, new = variable(path), variable(current(path)) + suffix

    with pytest.raises(Misconfigured, match=f"environment: {former} and {new} are both set"):
        read("", {former: str(VALUES[path]), new: str(VALUES[path])})


def test_a_former_variable_overrides_the_current_name_in_the_file(read: Read) -> None:
    settings = read("[admission]\nmax_in_flight = 5\n", {"BURSAR__ADMISSION__MOST": "6"})

    assert settings.admission.max_in_flight == 6


def test_a_former_variable_may_name_a_mounted_file(read: Read, tmp_path: Path) -> None:
    (tmp_path / "record").write_text("mounted.jsonl\n")
    settings = read("", {"BURSAR__SANDBOX__RECORD_FILE": str(tmp_path / "record")})

    assert settings.sandbox.record_path == "mounted.jsonl"


def test_both_sections_may_come_from_different_sources(read: Read) -> None:
    settings = read('[stores]\nemail = "a@example.org"\n', {"BURSAR__INVENTORY__NAME": "Meera Joshi"})

    assert (settings.inventory.email, settings.inventory.name) == ("a@example.org", "Meera Joshi")

"""Reads settings from a TOML file, the environment and the command line, and checks them."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_origin, get_type_hints

import msgspec

from config.renamed_settings import rename_settings, rename_variables
from config.settings import Misconfigured, Secret, Section, Settings


def load(
    path: Path, environ: Mapping[str, str] = os.environ, changes: Mapping[str, Any] = MappingProxyType({})
) -> Settings:
    """Return the settings of a TOML file, overridden by `BURSAR__SECTION__KEY` variables and then by `changes`.

    `BURSAR__SECTION__KEY_FILE` names a file that holds the value: a mounted secret.
    """
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:  # missing, not TOML, or not UTF-8
        raise Misconfigured(f"{path}: {error}") from error
    rename_settings(document, str(path))
    variables = {name: value for name, value in environ.items() if name.startswith("BURSAR__")}
    for name, value in rename_variables(variables).items():
        apply_environment(document, name, value)
    for name, change in changes.items():
        document[name] = document.get(name, {}) | change if isinstance(change, Mapping) else change
    return validate(document, str(path))


def validate(document: Mapping[str, Any], source: str) -> Settings:
    """Convert a document to settings; raise `Misconfigured` with the path of what is wrong."""
    try:
        return msgspec.convert(document, Settings, strict=False, dec_hook=lambda _, value: Secret(str(value)))
    except msgspec.ValidationError as error:
        raise Misconfigured(f"{source}: {error}") from error


def apply_environment(document: dict[str, Any], name: str, value: str) -> None:
    """Put the value of one variable at its path in the document."""
    *sections, key = name.lower().split("__")[1:]
    place: dict[str, Any] = document
    kind: Any = Settings
    for section in sections:
        place, kind = place.setdefault(section, {}), get_type_hints(kind).get(section, Section)
    if key.endswith("_file") and key not in get_type_hints(kind):
        key, value = key.removesuffix("_file"), read_mounted_file(name, value)
    words = get_type_hints(kind)
    if key not in words:
        raise Misconfigured(f"{name}: there is no such setting; here one of {', '.join(sorted(words))} can be set")
    place[key] = value.split(",") if get_origin(words[key]) is tuple else value


def read_mounted_file(name: str, path: str) -> str:
    """Return the stripped content of the file that a variable names."""
    try:
        return Path(path).read_text().strip()
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{name}: {error}") from error

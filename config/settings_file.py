"""Reads settings from a TOML file, the environment and the command line, and checks them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from config.container.contacts import check_contacts
from config.renamed_settings import rename_settings, rename_variables
from config.sections.section import Misconfigured, Secret, Section
from config.settings import Settings
from core.kernel.errors import Invalid
from core.kernel.text import decode_utf8
from core.kernel.toml import parse_toml


def load(
    path: Path, environ: Mapping[str, str] = os.environ, changes: Mapping[str, Any] = MappingProxyType({})
) -> Settings:
    """Return the settings of a TOML file, overridden by `BURSAR__SECTION__KEY` variables and then by `changes`.

    `BURSAR__SECTION__KEY_FILE` names a file that holds the value: a mounted secret.
    """
    document = parse_toml(read_text(path, str(path)), str(path), Misconfigured)
    rename_settings(document, str(path))
    variables = {name: value for name, value in environ.items() if name.startswith("BURSAR__")}
    paths = {apply_environment(document, name, value): name for name, value in rename_variables(variables).items()}
    for name, change in changes.items():
        document[name] = document.get(name, {}) | change if isinstance(change, Mapping) else change
    return validate(document, str(path), paths)


def validate(document: Mapping[str, Any], source: str, variables: Mapping[str, str] = MappingProxyType({})) -> Settings:
    """Convert a document to settings; raise `Misconfigured` with the path of what is wrong and where it comes from.

    `variables` names the variable of the environment that set a path.
    """
    try:
        settings = msgspec.convert(document, Settings, strict=False, dec_hook=lambda _, value: Secret(str(value)))
        check_contacts(settings)
    except (msgspec.ValidationError, Misconfigured) as error:
        where = str(error).rpartition(" - at `")[2].rstrip("`").partition("[")[0] + "."
        named = [name for path, name in variables.items() if f"{path}.".startswith(where)]
        raise Misconfigured(f"{', '.join(named) or source}: {error}") from error
    return settings


def apply_environment(document: dict[str, Any], name: str, value: str) -> str:
    """Put the value of one variable at its path in the document; return the path, as in `$.http.port`."""
    *sections, key = name.lower().split("__")[1:]
    place: dict[str, Any] = document
    words = get_type_hints(Settings)
    for depth, section in enumerate(sections):
        if not has_members(kind := words.get(section)):
            raise unknown(name, sections[:depth], words)
        place, words = place.setdefault(section, {}), members(kind, sections[depth + 1 :])
        if not isinstance(place, dict):
            raise Misconfigured(f"{section} is not a section in the configuration file, but a value")
    if key.endswith("_file") and key not in words:
        key, value = key.removesuffix("_file"), read_text(Path(value), name).strip()
    if key not in words or has_members(words[key]):
        raise unknown(name, sections, words)
    if not value and words[key] not in (str, Secret):
        raise Misconfigured(f"{name} is empty: give it a value, or remove it")
    place[key] = value.split(",") if get_origin(words[key]) is tuple else value
    return ".".join(["$", *sections, key])


def is_section(kind: object) -> bool:
    """Return whether a setting is a section with settings of its own."""
    return isinstance(kind, type) and issubclass(kind, Section)


def has_members(kind: object) -> bool:
    """Return whether a setting is a section, or names sections."""
    return is_section(kind) or get_origin(kind) is dict


def members(kind: Any, path: Sequence[str]) -> dict[str, Any]:
    """Return the settings of a section by name; sections that an operator names have the name that the path has."""
    return get_type_hints(kind) if is_section(kind) else dict.fromkeys(path[:1], get_args(kind)[1])


def unknown(name: str, sections: Sequence[str], words: Mapping[str, object]) -> Misconfigured:
    """Return the error of a variable that names no setting of a section, which has these words."""
    known = sorted(f"{word}__…" if has_members(kind) else word for word, kind in words.items())
    prefix = "__".join(["BURSAR", *sections, ""]).upper()
    return Misconfigured(
        f"{name}: there is no such setting; {prefix} is followed by one of {', '.join(known)}, and commas separate the"
        " parts of a list"
    )


def read_text(path: Path, name: str) -> str:
    """Return the text of a file that `name` names; raise `Misconfigured`."""
    try:
        return decode_utf8(path.read_bytes(), str(path))
    except OSError as error:
        raise Misconfigured(f"{name}: {path} cannot be read: {error.strerror}") from error
    except Invalid as error:
        raise Misconfigured(str(error) if name == str(path) else f"{name}: {error}") from error

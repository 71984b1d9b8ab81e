"""The mappings of settlement files: those that are shipped, and those of a file."""

from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

from core.kernel.errors import Invalid, Unprocessable
from core.kernel.toml import parse_toml
from core.settlements.mapping import SettlementMapping
from entrypoints.strict_decoding import convert

SHIPPED = files("config") / "data" / "settlements"


def shipped_mapping(gateway: str | None) -> SettlementMapping:
    """Return the mapping of a gateway's own file; raise `Unprocessable` that names the known gateways."""
    known = sorted(each.name.removesuffix(".toml") for each in SHIPPED.iterdir())
    if gateway not in known:
        raise Unprocessable(f"the gateway is one of {', '.join(known)}", at="$.gateway")
    return read_mapping(SHIPPED / f"{gateway}.toml")


def read_mapping(file: Traversable) -> SettlementMapping:
    """Return the mapping of a TOML file; raise `Invalid`."""
    try:
        return convert(parse_toml(file.read_text(encoding="utf-8"), file.name, Invalid), SettlementMapping)
    except (msgspec.ValidationError, UnicodeDecodeError) as error:
        raise Invalid(f"{file.name} is no mapping: {error}") from error

"""The settings as a report may show them: without secrets, and without the data of persons."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from config.sections.section import Secret
from config.settings import Settings
from core.kernel.text import ADDRESS

SET = "(set)"
PERSONAL = {("inventory", "name"), ("inventory", "email"), ("inventory", "phone")}
IDENTIFYING = {
    ("ses", "access_key_id"),
    ("twilio", "account_sid"),
    ("razorpay", "key_id"),
    ("smtp", "user"),
    ("kafka", "user"),
    ("rabbitmq", "user"),
    ("registry", "user"),
}
"""Names of accounts at vendors and servers, which an attacker needs beside the secret."""
MIN_SECRET_LENGTH = 4
"""Shorter values would blacken words that happen to contain them."""


def described(settings: Settings) -> dict[str, Any]:
    """Return the settings as plain data, with `(set)` for each value that is not to be shown."""
    return {name: shown(getattr(settings, name), (name,)) for name in settings.__struct_fields__}


def shown(value: Any, path: tuple[str, ...]) -> Any:
    """Return one value, or one section, as plain data."""
    if isinstance(value, Secret):
        return SET if value.reveal() else ""
    if path in PERSONAL | IDENTIFYING:
        return SET if value else ""
    if isinstance(value, msgspec.Struct):
        return {name: shown(getattr(value, name), (*path, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {name: shown(each, (*path, name)) for name, each in value.items()}
    return value


def masked(text: str, settings: Settings) -> str:
    """Return a text without the secrets of the settings, mailboxes and telephone numbers."""
    for secret in sorted(set(secrets_of(settings)), key=len, reverse=True):
        text = text.replace(secret, "(secret)")
    return ADDRESS.sub("(address)", text)


def secrets_of(value: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield every secret value, the parts of those that have several, and what identifies accounts and persons."""
    if isinstance(value, Secret):
        yield from (part for part in parts_of(value.reveal()) if len(part) >= MIN_SECRET_LENGTH)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from secrets_of(getattr(value, name), (*path, name))
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from secrets_of(each, (*path, name))
    elif path in IDENTIFYING | PERSONAL - {("inventory", "name")} and len(str(value)) >= MIN_SECRET_LENGTH:
        yield str(value)


def parts_of(secret: str) -> Iterator[str]:
    """Yield a secret, each of its lines, the key behind a number, and the password in a URL."""
    yield secret
    for line in secret.splitlines():
        yield line
        number, _, key = line.partition(":")
        if number.isdigit():
            yield key
    if "://" in secret and (password := urlsplit(secret).password):
        yield password
        yield unquote(password)

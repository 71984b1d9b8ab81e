"""Whether a message names a registration, in whatever spelling its sender wrote it."""

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from core.kernel.registration import fold
from core.kernel.text import normal_form

MIN_LENGTH_INSIDE_TEXT = 6
"""In characters; a shorter registration can be any number or word of a text, and must be the whole of it."""
SEPARATORS_OF_TEXTS = re.compile(r"[\"',;=\t\r\n]")


class NamedRegistration:
    """Finds one registration in messages."""

    def __init__(self, registration: str) -> None:
        self._key = fold(registration)
        inside = rf"(?<![a-z0-9]){re.escape(self._key)}(?![a-z0-9])"
        self._inside = re.compile(inside) if len(self._key) >= MIN_LENGTH_INSIDE_TEXT else None

    def is_in(self, body: bytes) -> bool:
        """Tell whether a text of a JSON document, or a part of other content, is or contains the registration."""
        return any(map(self._is_named, texts_of(body)))

    def _is_named(self, text: str) -> bool:
        spelling = fold(normal_form(unicodedata.normalize("NFKC", text)).strip())
        return spelling == self._key or bool(self._inside and self._inside.search(spelling))


def texts_of(body: bytes) -> Iterator[str]:
    """Yield the texts of a JSON document, and its registrations that are numbers; parts of what is no JSON."""
    try:
        waiting: list[Any] = [json.loads(body, object_pairs_hook=list)]
    except (ValueError, RecursionError):
        yield from SEPARATORS_OF_TEXTS.split(body.decode(errors="replace").replace("\\/", "/"))
        return
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, tuple):  # a name and its value, which the list of an object keeps also if repeated
            yield str(each[1]) if each[0] == "registration" and isinstance(each[1], int) else each[0]
            waiting.append(each[1])
        elif isinstance(each, list):
            waiting += each

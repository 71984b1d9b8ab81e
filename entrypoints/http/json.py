"""Answers that msgspec writes from dataclasses Litestar has no schema for."""

from typing import Any

import msgspec
from litestar import Response


def as_json(value: object) -> Response[Any]:
    """Answer 200 with a value as JSON."""
    return Response(msgspec.json.encode(value), media_type="application/json")

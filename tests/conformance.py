"""Holds every answer of a test to the API document."""

import re
from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from docs.generator.http_api import openapi_document

OTHER_STATUSES = {405}
"""A method that a path does not have is no operation of the document."""


document = cache(openapi_document)


@cache
def operations() -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    """Return the method, the form of the path, and the answers of each operation."""
    return [
        (method.upper(), re.compile(re.sub(r"{\w+}", "[^/]+", path)), operation["responses"])
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    ]


@cache
def validator(reference: str) -> Any:
    """Return the validator of a schema, by its JSON text."""
    return jsonschema_rs.validator_for({"$ref": reference, "components": document()["components"]})


async def assert_documented(answer: httpx.Response) -> None:
    """Fail where an operation of the document gives an answer that it does not have there."""
    path = answer.request.url.path.rstrip("/")
    for method, form, responses in operations():
        if method == answer.request.method and form.fullmatch(path) and answer.status_code not in OTHER_STATUSES:
            assert str(answer.status_code) in responses, (method, path, answer.status_code)
            await assert_valid(answer, responses[str(answer.status_code)])


async def assert_valid(answer: httpx.Response, documented: dict[str, Any]) -> None:
    """Fail where a JSON body, or a header that is always sent, is not as documented."""
    for media_type, content in documented.get("content", {}).items():
        if "json" in media_type and "ndjson" not in media_type and (reference := content["schema"].get("$ref")):
            await answer.aread()
            validator(reference).validate(answer.json())
    for name, header in documented.get("headers", {}).items():
        if name in answer.headers and "pattern" in header["schema"]:
            assert re.search(header["schema"]["pattern"], answer.headers[name]), (name, answer.headers[name])

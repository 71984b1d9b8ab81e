"""The rules of RFC 9110 and 9112 for the head of a request, judged before a route is chosen."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

import httptools

Headers = Sequence[tuple[bytes, bytes]]
UNEXPECTED_BODY = "unexpected_body"
HTTP_VERSIONS = {"1.0", "1.1"}
METHODS_WITHOUT_BODY = {b"GET", b"HEAD", b"DELETE", b"OPTIONS"}
MAX_TARGET_BYTES = 8_000
"""The size of a request target that RFC 9112, section 3 recommends to support."""
HOST_PATTERN = re.compile(rb"(?:[\w.~%!$&'()*+,;=-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?", re.ASCII)
BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})|%00")
JUDGED_HEADERS = frozenset({b"host", b"content-length", b"transfer-encoding", b"content-encoding", b"expect"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a request that is not given to the application."""

    status: int
    reason: str
    """The label of the metric."""
    detail: str
    closes: bool = False
    """Whether the end of the request cannot be known, so that nothing behind it can be read."""


HEAD_TOO_LARGE = "send a smaller request line, fewer headers or smaller cookies"


def judge_head(method: bytes, version: str, target: bytes, headers: Headers, max_headers: int) -> Refusal | None:
    """Return the refusal of a request by its head; None for one that a route can answer."""
    if version not in HTTP_VERSIONS:
        return Refusal(505, "version", "the server speaks HTTP/1.1 and HTTP/1.0", closes=True)
    if method == b"CONNECT":
        return Refusal(501, "method", "the server is not a proxy", closes=True)
    if len(target) > MAX_TARGET_BYTES:
        return Refusal(414, "target_too_long", f"a request target has at most {MAX_TARGET_BYTES} bytes")
    if len(headers) > max_headers:
        return Refusal(431, "head_too_large", f"a request has at most {max_headers} headers")
    named: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in JUDGED_HEADERS:
            named.setdefault(name, []).append(value.strip())
    return judge_host(named.get(b"host", []), version) or judge_body(method, version, named)


def judge_host(hosts: Sequence[bytes], version: str) -> Refusal | None:
    """Return the refusal of RFC 9112, section 3.2: a request has one valid Host; HTTP/1.0 may omit it."""
    if len(hosts) > 1 or (not hosts and version != "1.0"):
        return Refusal(400, "host", f"a request has one Host header, and this one has {len(hosts) or 'none'}")
    if hosts and not HOST_PATTERN.fullmatch(hosts[0]):
        return Refusal(400, "host", "the Host header is no host name with an optional port")
    return None


def judge_body(method: bytes, version: str, named: dict[bytes, list[bytes]]) -> Refusal | None:
    """Return the refusal of a body that no route reads, or whose coding the server does not know."""
    codings, length = named.get(b"transfer-encoding", []), named.get(b"content-length", [b"0"])[0]
    if codings and version == "1.0":
        return Refusal(400, "framing", "HTTP/1.0 has no Transfer-Encoding", closes=True)
    if codings and b",".join(codings).lower() != b"chunked":
        return Refusal(501, "framing", "the server knows no Transfer-Encoding but chunked", closes=True)
    if method in METHODS_WITHOUT_BODY and (codings or length.strip(b"0")):
        return Refusal(400, UNEXPECTED_BODY, f"{method.decode()} has no body here; send it without one")
    if any(each.lower() != b"identity" for each in named.get(b"content-encoding", [])):
        return Refusal(415, "content_encoding", "send the body without a Content-Encoding")
    if version != "1.0" and any(each.lower() != b"100-continue" for each in named.get(b"expect", [])):
        return Refusal(417, "expectation", "the server knows no Expect but 100-continue")
    return None


def announced_bytes(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Return the size of a body; None for one in chunks."""
    size: int | None = 0
    for name, value in headers:
        if name == b"content-length":
            size = int(value)
        elif name == b"transfer-encoding":
            return None
    return size


def parse_target(method: bytes, target: bytes) -> tuple[bytes, str, bytes] | None:
    """Return the raw path, the decoded path and the query of a target; None for an invalid one.

    A target in absolute form has the meaning of its path.
    """
    try:
        parsed = httptools.parse_url(target)
    except httptools.HttpParserInvalidURLError:
        return None
    raw = parsed.path or b"/"
    if not raw.startswith(b"/") and (raw, method) != (b"*", b"OPTIONS"):
        return None
    query = parsed.query or b""
    if b"%" not in raw:
        return raw, raw.decode("ascii"), query
    if BROKEN_ESCAPE.search(raw):
        return None
    try:
        return raw, unquote_to_bytes(raw).decode(), query
    except UnicodeDecodeError:
        return None

"""What every answer tells a browser: constant headers, in one block because uvicorn checks each header anew."""

from functools import cache

BROWSER_POLICY = {
    b"cache-control": b"no-store",  # answers contain personal data
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}
"""The policy for data; a page or a file states its own values in place of these."""
HTTPS_ONLY = {b"strict-transport-security": b"max-age=31536000"}
"""One year, for this host alone: other services of its domain may have no certificate."""


@cache
def policy_lines(public_url: str, stated: frozenset[bytes] = frozenset()) -> bytes:
    """Return the lines of the head that an answer does not state itself."""
    policy = BROWSER_POLICY | (HTTPS_ONLY if public_url.startswith("https:") else {})
    return b"".join(b"%b: %b\r\n" % each for each in policy.items() if each[0] not in stated)

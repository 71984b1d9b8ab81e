"""Slashes inside a segment of a path: `/v1/students/2023%2FBCOM%2F0017` names one student."""

from urllib.parse import unquote

ENCODED_SLASH = "%2F"


def path_of_segments(raw: bytes) -> str:
    """Return the path whose segments are those that were sent: a server decodes `%2F` before it splits the path."""
    segments = raw.decode("latin-1").partition("?")[0].split("/")
    return "/".join(unquote(segment).replace("/", ENCODED_SLASH) for segment in segments)


def from_segment(text: str) -> str:
    """Return what a segment of a path names."""
    return text.replace(ENCODED_SLASH, "/")

"""What routes declare, for middleware that judges a request before it is routed."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import HTTPScope

from entrypoints.http.middleware.encoded_slashes import ENCODED_SLASH, path_of_segments

Segments = tuple[str, ...]
Options = Mapping[str, Any]
NOTHING: Options = {}


class RouteOptions:
    """The options of the handler that Litestar selects for a request."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._plain: dict[tuple[str, Segments], Options] = {}
        self._templates: dict[tuple[str, int], list[tuple[Segments, Options]]] = {}
        for route in routes:
            if isinstance(route, HTTPRoute):
                self._add(route)

    def _add(self, route: HTTPRoute) -> None:
        template = segments(route.path_format)
        for handler in route.route_handlers:
            for method in handler.http_methods:
                if not any(map(is_parameter, template)):
                    self._plain[method, template] = handler.opt
                    continue
                alike = self._templates.setdefault((method, len(template)), [])
                alike.append((template, handler.opt))
                alike.sort(key=lambda each: [*map(is_parameter, each[0])])  # a name goes before a parameter

    def of(self, method: str, path: str) -> Options:
        """Return the options; none for a request without a route."""
        method = "GET" if method == "HEAD" else method
        given = segments(path)
        if (found := self._plain.get((method, given))) is not None:
            return found
        alike = self._templates.get((method, len(given)), ())
        return next((options for template, options in alike if fits(template, given)), NOTHING)


def routed_path(scope: HTTPScope) -> str:
    """Return the path by which a request is routed."""
    raw = scope.get("raw_path") or b""
    return path_of_segments(raw) if b"%" in raw and ENCODED_SLASH.encode() in raw.upper() else scope["path"]


@lru_cache(maxsize=256)
def segments(path: str) -> Segments:
    """Return the segments of a path; Litestar ignores repeated and trailing slashes."""
    return tuple(part for part in path.split("/") if part)


def is_parameter(segment: str) -> bool:
    """Return whether a segment of a route stands for any text."""
    return segment.startswith("{")


def fits(template: Segments, given: Segments) -> bool:
    """Return whether a path has the names of a template at their places."""
    return all(is_parameter(name) or name == part for name, part in zip(template, given, strict=True))

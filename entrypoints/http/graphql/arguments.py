"""Arguments of fields, judged by the rules of the query parameters of the HTTP API."""

from datetime import datetime
from typing import Annotated, Any, get_args, get_origin

from core.kernel.errors import Invalid
from entrypoints.http.query_parameters import MAX_LIMIT, forms_in


def argument(name: str, value: str | None, kind: Any) -> Any:
    """Return an argument as a type of the core; raise `Invalid` for another form."""
    if value is None:
        return None
    for form in forms_in(kind):
        form.check(name, value)
    plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    plain = getattr(plain, "__supertype__", plain)
    try:
        return datetime.fromisoformat(value) if plain is datetime else plain(value)
    except ValueError as error:
        raise Invalid(f"`{name}` is no date", at=f"$.{name}") from error


def page_size(first: int) -> int:
    """Return the size of a page; raise `Invalid`."""
    if not 1 <= first <= MAX_LIMIT:
        raise Invalid(f"`first` is a whole number from 1 to {MAX_LIMIT}", at="$.first")
    return first

"""The settings: every section, key, type, default and environment variable."""

from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from config.sections.section import Secret, Section
from config.settings import Settings
from docs.generator.markdown import code, summary, table, type_text
from entrypoints.http.schemas import field_docs

HEADS = ("key", "type", "default", "environment variable", "meaning")


def sections() -> str:
    """Return a table for the keys of the top level, and one for each section."""
    fields = {field.name: field.default for field in msgspec.structs.fields(Settings)}
    nested = _nested(Settings)
    hints = get_type_hints(Settings)
    named = {name: get_args(hints[name])[1] for name in fields if get_origin(hints[name]) is dict}
    parts = ["## Top level", "", _keys(Settings, "", skipped=frozenset(nested | named))]
    for name, kind in nested.items():
        inner = _nested(kind)
        parts += ["", f"## `[{name}]`", "", summary(kind), "", _keys(kind, name, skipped=frozenset(inner))]
        for word, part in inner.items():
            parts += ["", f"## `[{name}.{word}]`", "", summary(part), "", _keys(part, f"{name}__{word}")]
    for name, kind in named.items():
        docs = field_docs(Settings)[name]
        parts += ["", f"## `[{name}.<name>]`", "", docs, "", summary(kind), "", _keys(kind, f"{name}__<name>")]
    return "\n".join(parts)


def _nested(kind: type[msgspec.Struct]) -> dict[str, type[Section]]:
    """Return the sections of a section."""
    return {each.name: type(each.default) for each in msgspec.structs.fields(kind) if isinstance(each.default, Section)}


def _keys(kind: type[msgspec.Struct], section: str, skipped: frozenset[str] = frozenset()) -> str:
    hints, docs = get_type_hints(kind, include_extras=True), field_docs(kind)
    rows = [
        (
            code(field.name),
            _value_type(hints[field.name]),
            _default(field),
            code("__".join(filter(None, ("BURSAR", section.upper(), field.name.upper())))),
            docs.get(field.name, ""),
        )
        for field in msgspec.structs.fields(kind)
        if field.name not in skipped
    ]
    return table(HEADS, rows)


def _value_type(hint: Any) -> str:
    if hint is Secret:
        return "secret text"
    limits = [each for each in get_args(hint)[1:] if isinstance(each, msgspec.Meta)] if _annotated(hint) else []
    text = type_text(hint)
    for limit in limits:
        text += ", not empty" if hint.__origin__ is str and limit.min_length else _bounds(limit)
    return text


def _annotated(hint: Any) -> bool:
    return get_origin(hint) is Annotated


def _bounds(limit: msgspec.Meta) -> str:
    if limit.pattern:
        return f" like {code(limit.pattern)}"
    if limit.min_length:
        return ", at least one"
    low = f" from {limit.ge:,}" if limit.ge is not None else f" above {limit.gt:,}"
    return f"{low} to {limit.le:,}"


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "none: give one"
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if isinstance(value, Secret):
        value = value.reveal()
    if isinstance(value, tuple):
        return ", ".join(code(each) for each in value)
    return code(str(value).lower() if isinstance(value, bool) else str(value)) or "empty"

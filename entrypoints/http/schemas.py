"""JSON schemas of the core's types: the constraints in their annotations, and the text below their fields."""

import ast
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from functools import cache, reduce
from operator import or_
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

import msgspec

from core.fees.pricing.rule import Rule
from core.fees.pricing.rule_kinds import RULE_KINDS
from core.kernel.constraints import Constraint, Items, Text, Whole

REFERENCE = "#/components/schemas/{name}"


def schemas_of(answers: Iterable[Any], bodies: Iterable[Any]) -> dict[str, Any]:
    """Return the schemas of types and of those within them, by name; bodies have no unknown fields."""
    closed = closure(bodies)
    kinds = [published(kind, closed) for kind in dict.fromkeys([*bodies, *answers])]
    _, schemas = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
    # Generators of clients need the type of an enumeration, which msgspec leaves out.
    return {
        name: {"type": "string"} | schema if "enum" in schema else schema for name, schema in as_json(schemas).items()
    }


def as_json(schemas: Any) -> Any:
    """Return schemas as JSON has them: defaults are no tuples or sets."""
    return msgspec.to_builtins(schemas)


def schema_of(kind: Any) -> dict[str, Any]:
    """Return the schema of a parameter."""
    [schema], _ = msgspec.json.schema_components([published(kind, frozenset())], ref_template=REFERENCE)
    return msgspec.to_builtins(schema)  # type: ignore[no-any-return]


def closure(kinds: Iterable[Any]) -> frozenset[type]:
    """Return the objects among types and within them."""
    found, left = set[type](), list(kinds)
    while left:
        kind = left.pop()
        left += get_args(kind) if get_origin(kind) is not Literal else ()
        if kind is Rule:
            left += RULE_KINDS.values()
        elif is_object(kind) and kind not in found:
            found.add(kind)
            left += get_type_hints(kind, include_extras=True).values()
    return frozenset(found)


def published(kind: Any, closed: frozenset[type]) -> Any:
    """Return a type as msgspec describes it in a schema: constraints become its own."""
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(kind, NewType):
        return published(kind.__supertype__, closed)
    if origin is Annotated:
        return constrained(*arguments, closed=closed)
    if kind is datetime:
        return Annotated[datetime, msgspec.Meta(tz=True)]
    if kind is Rule:
        return reduce(or_, (published(each, closed) for each in RULE_KINDS.values()))
    if is_object(kind):
        return mirrored(kind, kind in closed, closed)
    if origin is None or origin is Literal:
        return kind
    inner = tuple(published(each, closed) for each in arguments)
    if origin in (Union, UnionType):
        return reduce(or_, inner)
    return (Sequence if origin is tuple else origin)[inner[0] if origin is tuple else inner]


def constrained(kind: Any, *constraints: Any, closed: frozenset[type]) -> Any:
    """Return a type with the constraints of msgspec for those of the core."""
    metas = [meta(each) for each in constraints if isinstance(each, Constraint | msgspec.Meta)]
    # A moment has no pattern for msgspec; in JSON it is a text.
    plain = str if any(isinstance(each, Text) for each in constraints) else published(kind, closed)
    return Annotated[(plain, *metas)] if metas else plain


def meta(constraint: Any) -> msgspec.Meta:
    """Return a constraint as msgspec writes it into a schema."""
    match constraint:
        case Text(rule=rule, pattern=pattern, most=most, format=name):
            extra = {"format": name} if name else None
            return msgspec.Meta(
                pattern=pattern and f"^(?:{pattern})$", max_length=most, description=rule, extra_json_schema=extra
            )
        case Whole(least=least, most=most):
            return msgspec.Meta(ge=least, le=most)
        case Items(least=least, most=most, distinct=distinct):
            unique: Any = {"uniqueItems": True} if distinct else None
            return msgspec.Meta(min_length=least or None, max_length=most, extra_json_schema=unique)
    return constraint  # type: ignore[no-any-return]


@cache
def mirrored(kind: Any, forbid_unknown_fields: bool, closed: frozenset[type]) -> type:
    """Return a struct of the fields of a class, with their documentation; the kind of a rule is its tag."""
    hints, docs = get_type_hints(kind, include_extras=True), field_docs(kind)
    tag = {"tag_field": "kind", "tag": hints.pop("kind").__args__[0]} if kind in RULE_KINDS.values() else {}
    members = [
        member(name, published(hints[name], closed), default, docs)
        for name, default in defaults(kind).items()
        if name in hints
    ]
    return msgspec.defstruct(
        kind.__name__,
        members,
        namespace={"__doc__": kind.__doc__},
        kw_only=True,
        forbid_unknown_fields=forbid_unknown_fields,
        rename={each.name: each.encode_name for each in msgspec.structs.fields(kind)} if is_struct(kind) else None,
        **tag,
    )


def member(name: str, kind: Any, default: Any, docs: Mapping[str, str]) -> Any:
    """Return a field of a struct."""
    if text := docs.get(name):
        kind = Annotated[kind, msgspec.Meta(description=text.replace("None", "null"))]
    return (name, kind) if default is MISSING else (name, kind, default)


def defaults(kind: Any) -> Mapping[str, Any]:
    """Return the fields of a class with their defaults; `MISSING` without one."""
    if is_struct(kind):
        return {
            each.name: MISSING if each.default is msgspec.NODEFAULT else each.default
            for each in msgspec.structs.fields(kind)
        }
    return {
        each.name: msgspec.field(default_factory=each.default_factory)
        if each.default_factory is not MISSING
        else each.default
        for each in fields(kind)
    }


def is_struct(kind: Any) -> bool:
    """Tell whether this is a struct of msgspec."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def is_object(kind: Any) -> bool:
    """Tell whether this is a class whose instances are objects in JSON."""
    return isinstance(kind, type) and (is_dataclass(kind) or is_struct(kind))


def field_docs(kind: type) -> dict[str, str]:
    """Return the docstrings below the fields of a class and its parents; none where the source is not installed."""
    found: dict[str, str] = {}
    for parent in reversed(kind.__mro__):
        if parent.__module__.startswith(("core.", "config.", "entrypoints.")):
            found |= _docs_of_module(parent.__module__).get(parent.__name__, {})
    return found


@cache
def _docs_of_module(name: str) -> Mapping[str, Mapping[str, str]]:
    """Return the docstrings below the fields of each class; read once, as `inspect` reads a module for each class."""
    try:
        source = Path(sys.modules[name].__file__ or "").read_text(encoding="utf-8")
        return {each.name: _docs_of_class(each) for each in ast.parse(source).body if isinstance(each, ast.ClassDef)}
    except (OSError, SyntaxError):
        return {}


def _docs_of_class(tree: ast.ClassDef) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(documentation))):
                found[name] = " ".join(documentation.split())
    return found

"""Collections of use cases, one frozen dataclass for each context."""

from dataclasses import fields, replace
from functools import partial
from typing import Any, TypeVar

from core.kernel.unit_of_work import Transaction

T = TypeVar("T")


def joining(use_cases: T, transaction: Transaction) -> T:
    """Return a collection whose use cases open their units of work as parts of a transaction."""
    collection: Any = use_cases
    members = {each.name: getattr(collection, each.name) for each in fields(collection)}
    joined = {
        name: replace(use_case, new_work=partial(use_case.new_work, within=transaction))
        for name, use_case in members.items()
        if hasattr(use_case, "new_work")
    }
    bound: T = replace(collection, **joined)
    return bound

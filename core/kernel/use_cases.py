"""Collections of use cases, one frozen dataclass for each context."""

from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any, TypeVar

from core.kernel.unit_of_work import Transaction

T = TypeVar("T")


def joining(use_cases: T, transaction: Transaction) -> T:
    """Return a collection whose use cases open their units of work as parts of a transaction.

    Each is copied, also one without a unit of work: a copy records no refusal in another transaction.
    """
    collection: Any = use_cases
    members = {each.name: getattr(collection, each.name) for each in fields(collection)}
    joined = {name: joined_to(transaction, use_case) for name, use_case in members.items() if is_dataclass(use_case)}
    bound: T = replace(collection, **joined)
    return bound


def joined_to(transaction: Transaction, use_case: Any) -> Any:
    """Return a copy of a use case that is a part of a transaction."""
    if not hasattr(use_case, "new_work"):
        return replace(use_case)
    return replace(use_case, new_work=partial(use_case.new_work, within=transaction))

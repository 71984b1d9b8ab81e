"""A use case that changes something for a person or a client leaves an audit record."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import core
from core.kernel.authorization import Permission

READING = {permission for permission in Permission if permission.endswith(":read")}
RECORDED_ELSEWHERE = {
    "SubmitExamFee": "its event, which names the actor",
    "PayExamFee": "its order, which moves no money",
    "AllocateLines": "its events, which name the actors",
    "QuoteExamFee": "it changes nothing",
    "ResendDeliveries": "it calls ResendDelivery",
    "SettleDeadLetters": "it calls the use case that settles one",
}


def use_cases() -> Iterator[tuple[Any, ModuleType]]:
    for found in pkgutil.walk_packages(core.__path__, "core."):
        module = importlib.import_module(found.name)
        for kind in vars(module).values():
            if inspect.isclass(kind) and kind.__module__ == module.__name__ and "permission" in vars(kind):
                yield kind, module


def is_unrecorded(use_case: Any, source: str) -> bool:
    """Tell whether a use case lets a person change something and mentions no audit record."""
    changes = use_case.permission not in {None, Permission.SYSTEM_RUN, *READING}
    recorded = "ACTION" in vars(use_case) and ".audit(" in source and "self.ACTION" in source
    return changes and not recorded and use_case.__name__ not in RECORDED_ELSEWHERE


def test_every_change_by_a_person_is_recorded() -> None:
    assert [kind.__name__ for kind, module in use_cases() if is_unrecorded(kind, inspect.getsource(module))] == []


UNRECORDED_COMMITS = {
    "SignInWithProvider": "the session that it leads to is recorded",
    "LinkIdentity": "the link that it leads to is recorded",
    "RequestCode": "the sign-in that the code leads to is recorded",
}


def test_every_change_of_the_identity_context_is_recorded() -> None:
    silent = {
        kind.__name__
        for kind, module in use_cases()
        if module.__name__.startswith("core.identity.")
        and "work.commit()" in (source := inspect.getsource(module))
        and ".audit(" not in source
    }
    assert silent == UNRECORDED_COMMITS.keys()


def test_an_action_names_one_use_case() -> None:
    actions = [kind.ACTION for kind, _ in use_cases() if "ACTION" in vars(kind)]
    assert len(actions) == len(set(actions)) > 10
    assert max(map(len, actions)) <= 64


def test_a_change_without_a_record_is_found() -> None:
    class RefundFee:
        permission = Permission.SUBMISSIONS_WRITE

    class RefundFeeSilently(RefundFee):
        permission = Permission.SUBMISSIONS_WRITE
        ACTION = "refund-fee"

    assert is_unrecorded(RefundFee, "work.audit(Deed(action=self.ACTION))")
    assert is_unrecorded(RefundFeeSilently, "work.record(refunded)")
    assert not is_unrecorded(RefundFeeSilently, "work.audit(Deed(action=self.ACTION))")

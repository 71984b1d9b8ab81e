"""A use case that gives power over accounts or keys needs a proof of identity from the last 15 minutes."""

from typing import Any

from core.identity.roles import CHANGING_ACCESS
from core.kernel.authorization import Permission, open_to_all, requires
from tests.architecture.test_deeds_are_recorded import use_cases

NEEDS_NONE = {
    "DisableAccount": "it takes power away, and must not wait",
    "RevokeApiKey": "it takes power away, and must not wait",
    "CreateAccount": "it needs one for roles that change access only, and asks for it itself",
}
ALSO = {"CreateAdministrator", "CreateSigningKey", "RotateSigningKey", "RotateEncryption"}
"""Of the permission `system:run`, which no role has: a route to them would have to ask for it."""


def lacks_a_fresh_proof(use_case: Any) -> bool:
    """Tell whether a use case gives power and asks for no fresh proof."""
    gives_power = use_case.permission in CHANGING_ACCESS or use_case.__name__ in ALSO
    return gives_power and not use_case.fresh and use_case.__name__ not in NEEDS_NONE


def test_what_gives_power_needs_a_fresh_proof() -> None:
    known = {kind.__name__: kind for kind, _ in use_cases()}

    assert [name for name, kind in known.items() if lacks_a_fresh_proof(kind)] == []
    assert NEEDS_NONE.keys() | ALSO <= known.keys()


def test_power_without_a_fresh_proof_is_found() -> None:
    class PromoteAccount:
        async def __call__(self) -> None: ...

    assert lacks_a_fresh_proof(requires(Permission.ACCOUNTS_WRITE)(PromoteAccount))
    assert not lacks_a_fresh_proof(requires(Permission.ACCOUNTS_WRITE, fresh=True)(PromoteAccount))
    assert not lacks_a_fresh_proof(requires(Permission.STOCK_WRITE)(PromoteAccount))
    assert not lacks_a_fresh_proof(open_to_all(PromoteAccount))

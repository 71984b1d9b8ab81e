from typing import Any
from uuid import UUID

import pytest

from core.identity.account import NewAccount
from core.identity.roles import Role
from core.kernel.errors import Invalid, Unprocessable

STUDENT = UUID(int=7)


@pytest.mark.parametrize(
    "fields",
    [
        {"roles": (Role.CLERK,), "centre": "PUNE-01"},
        {"roles": (Role.CANDIDATE,), "student": STUDENT},
        {"roles": (Role.OFFICER, Role.AUDITOR), "email": "asha@example.org"},
        {"roles": (Role.SERVICE,)},
    ],
)
def test_a_clerk_has_a_centre_and_a_candidate_a_student(fields: dict[str, Any]) -> None:
    assert NewAccount(name="Asha Kulkarni", **fields).roles == fields["roles"]


@pytest.mark.parametrize(
    ("fields", "kind", "at"),
    [
        ({"roles": (Role.CLERK,)}, Unprocessable, "$.centre"),
        ({"roles": (Role.CLERK,), "centre": "P", "student": STUDENT}, Unprocessable, "$.student"),
        ({"roles": (Role.CLERK, Role.OFFICER), "centre": "P"}, Unprocessable, "$.roles"),
        ({"roles": (Role.CANDIDATE,)}, Unprocessable, "$.student"),
        ({"roles": (Role.CANDIDATE,), "student": STUDENT, "centre": "P"}, Unprocessable, "$.centre"),
        ({"roles": (Role.OFFICER,), "centre": "P"}, Unprocessable, "$.centre"),
        ({"roles": (Role.ADMINISTRATOR,), "student": STUDENT}, Unprocessable, "$.student"),
        ({"roles": ()}, Invalid, "$.roles"),
        ({"roles": (Role.OFFICER, Role.OFFICER)}, Invalid, "$.roles"),
        ({"roles": (Role.OFFICER,), "name": " "}, Invalid, "$.name"),
        ({"roles": (Role.OFFICER,), "name": "A\u202eB"}, Invalid, "$.name"),
        ({"roles": (Role.OFFICER,), "email": "no address"}, Invalid, "$.email"),
        ({"roles": (Role.CLERK,), "centre": "PUNE 01"}, Invalid, "$.centre"),
    ],
)
def test_an_account_that_contradicts_its_role_is_refused(fields: dict[str, Any], kind: type[Invalid], at: str) -> None:
    with pytest.raises(kind) as refused:
        NewAccount(**{"name": "Asha Kulkarni", **fields})

    assert (refused.value.at, type(refused.value)) == (at, kind)

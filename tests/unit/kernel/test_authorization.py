from typing import Any
from uuid import UUID

import pytest

from core.identity.roles import PERMISSIONS, Role
from core.kernel.authorization import (
    ANONYMOUS,
    CHECKING_REACH,
    NotAuthenticated,
    NotPermitted,
    Permission,
    Principal,
    acting_as,
)
from docs.generator.permissions import use_case_types
from entrypoints.routes import ROUTES

GUARDED = [kind for kind in use_case_types() if kind.permission]
STUDENT = UUID(int=7)


async def test_a_use_case_does_nothing_without_its_permission() -> None:
    for use_case in GUARDED:
        unwired = object.__new__(use_case)
        other = Principal(subject="account:1", permissions=frozenset(Permission) - {use_case.permission})

        with acting_as(ANONYMOUS), pytest.raises(NotAuthenticated):
            await unwired()
        with acting_as(other), pytest.raises(NotPermitted, match=use_case.permission):
            await unwired()


@pytest.mark.parametrize("scope", [{"centre": "DEL-01"}, {"student": STUDENT}])
def test_what_cannot_be_narrowed_to_a_centre_is_refused_to_a_clerk(scope: Any) -> None:
    everywhere = Principal(subject="account:1", permissions=frozenset(Permission))
    for permission in set(Permission) - CHECKING_REACH:
        everywhere.require(permission)
        with pytest.raises(NotPermitted, match=permission):
            Principal(subject="account:1", permissions=frozenset(Permission), **scope).require(permission)


def test_a_principal_reaches_its_own_centre_and_its_own_student_only() -> None:
    clerk, candidate = Principal(subject="c", centre="DEL-01"), Principal(subject="s", student=STUDENT)

    assert clerk.reaches(STUDENT, "DEL-01")
    assert not clerk.reaches(STUDENT, "DEL-02")
    assert not clerk.reaches(STUDENT, "")
    assert candidate.reaches(STUDENT, "DEL-02")
    assert not candidate.reaches(UUID(int=8), "DEL-02")


def test_no_role_does_the_work_of_the_program() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert Permission.SYSTEM_RUN not in frozenset[Permission]().union(*PERMISSIONS.values())


def test_an_auditor_changes_nothing() -> None:
    assert {each.rpartition(":")[2] for each in PERMISSIONS[Role.AUDITOR]} == {"read"}


def test_whatever_a_topic_of_others_carries_it_changes_what_the_topic_is_for() -> None:
    assert {context: sorted(each.permissions) for context, each in ROUTES.principals.items()} == {
        "fees.commands": ["submissions:write"],
        "inventory.commands": ["stock:write"],
        "payments.commands": ["payments:take"],
        "warehouse": ["stock:write"],
    }

"""The account whose sessions and password are those of the caller."""

from uuid import UUID

from core.kernel.authorization import NotAuthenticated, NotPermitted, current_principal


def session_holder(purpose: str) -> UUID:
    """Return the account of the caller; raise `NotAuthenticated` without one, `NotPermitted` for an API key of one."""
    caller = current_principal.get()
    if caller.account is None:
        raise NotAuthenticated(f"sign in to {purpose}")
    if caller.api_key is not None:
        raise NotPermitted(f"sign in to {purpose}: an API key is not its owner, and holds no session")
    return caller.account

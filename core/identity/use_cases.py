"""The use cases of the identity context."""

from dataclasses import dataclass

from core.identity.create_account import CreateAccount
from core.identity.disable_account import DisableAccount
from core.identity.list_accounts import ListAccounts


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityUseCases:
    """Accounts and their credentials."""

    create_account: CreateAccount
    list_accounts: ListAccounts
    disable_account: DisableAccount

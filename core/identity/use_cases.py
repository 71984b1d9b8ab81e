"""The use cases of the identity context."""

from dataclasses import dataclass

from core.identity.api_keys.authenticate_api_key import AuthenticateApiKey
from core.identity.api_keys.create_api_key import CreateApiKey
from core.identity.api_keys.list_api_keys import ListApiKeys
from core.identity.api_keys.revoke_api_key import RevokeApiKey
from core.identity.create_account import CreateAccount
from core.identity.disable_account import DisableAccount
from core.identity.list_accounts import ListAccounts


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityUseCases:
    """Accounts and their credentials."""

    create_account: CreateAccount
    list_accounts: ListAccounts
    disable_account: DisableAccount
    create_api_key: CreateApiKey
    list_api_keys: ListApiKeys
    revoke_api_key: RevokeApiKey
    authenticate_api_key: AuthenticateApiKey

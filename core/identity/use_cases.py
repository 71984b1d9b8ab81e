"""The use cases of the identity context."""

from dataclasses import dataclass

from core.identity.api_keys.authenticate_api_key import AuthenticateApiKey
from core.identity.api_keys.create_api_key import CreateApiKey
from core.identity.api_keys.list_api_keys import ListApiKeys
from core.identity.api_keys.revoke_api_key import RevokeApiKey
from core.identity.authenticate_session import AuthenticateSession
from core.identity.change_password import ChangePassword
from core.identity.create_account import CreateAccount
from core.identity.create_administrator import CreateAdministrator
from core.identity.create_password_link import CreatePasswordLink
from core.identity.create_signing_key import CreateSigningKey
from core.identity.disable_account import DisableAccount
from core.identity.end_session import EndSession
from core.identity.end_sessions import EndSessions
from core.identity.link_identity import LinkIdentity
from core.identity.list_accounts import ListAccounts
from core.identity.list_public_keys import ListPublicKeys
from core.identity.list_sessions import ListSessions
from core.identity.refresh_session import RefreshSession
from core.identity.rotate_signing_key import RotateSigningKey
from core.identity.set_password import SetPassword
from core.identity.sign_in import SignIn
from core.identity.sign_in_with_provider import SignInWithProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityUseCases:
    """Accounts and their credentials."""

    create_account: CreateAccount
    list_accounts: ListAccounts
    disable_account: DisableAccount
    authenticate_session: AuthenticateSession
    change_password: ChangePassword
    create_administrator: CreateAdministrator
    create_password_link: CreatePasswordLink
    create_signing_key: CreateSigningKey
    end_session: EndSession
    end_sessions: EndSessions
    list_public_keys: ListPublicKeys
    list_sessions: ListSessions
    refresh_session: RefreshSession
    rotate_signing_key: RotateSigningKey
    set_password: SetPassword
    sign_in: SignIn
    create_api_key: CreateApiKey
    list_api_keys: ListApiKeys
    revoke_api_key: RevokeApiKey
    authenticate_api_key: AuthenticateApiKey
    sign_in_with_provider: SignInWithProvider
    link_identity: LinkIdentity

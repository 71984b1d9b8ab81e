"""The use cases of the identity context."""

from dataclasses import dataclass

from core.identity.accounts.act_as_account import ActAsAccount
from core.identity.accounts.change_roles import ChangeRoles
from core.identity.accounts.create_account import CreateAccount
from core.identity.accounts.create_administrator import CreateAdministrator
from core.identity.accounts.disable_account import DisableAccount
from core.identity.accounts.enable_account import EnableAccount
from core.identity.accounts.list_accounts import ListAccounts
from core.identity.api_keys.authenticate_api_key import AuthenticateApiKey
from core.identity.api_keys.create_api_key import CreateApiKey
from core.identity.api_keys.list_api_keys import ListApiKeys
from core.identity.api_keys.revoke_api_key import RevokeApiKey
from core.identity.codes.request_code import RequestCode
from core.identity.passwords.change_password import ChangePassword
from core.identity.passwords.create_password_link import CreatePasswordLink
from core.identity.passwords.invite_account import InviteAccount
from core.identity.passwords.set_password import SetPassword
from core.identity.providers.link_identity import LinkIdentity
from core.identity.providers.sign_in_with_provider import SignInWithProvider
from core.identity.second_factors.confirm_second_factor import ConfirmSecondFactor
from core.identity.second_factors.enrol_second_factor import EnrolSecondFactor
from core.identity.second_factors.remove_second_factor import RemoveSecondFactor
from core.identity.second_factors.reset_second_factor import ResetSecondFactor
from core.identity.second_factors.step_up import StepUp
from core.identity.sessions.authenticate_session import AuthenticateSession
from core.identity.sessions.end_session import EndSession
from core.identity.sessions.end_sessions import EndSessions
from core.identity.sessions.list_sessions import ListSessions
from core.identity.sessions.refresh_session import RefreshSession
from core.identity.sessions.sign_in import SignIn
from core.identity.signing_keys.create_signing_key import CreateSigningKey
from core.identity.signing_keys.list_public_keys import ListPublicKeys
from core.identity.signing_keys.rotate_signing_key import RotateSigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityUseCases:
    """Accounts and their credentials."""

    act_as_account: ActAsAccount
    create_account: CreateAccount
    list_accounts: ListAccounts
    disable_account: DisableAccount
    enable_account: EnableAccount
    change_roles: ChangeRoles
    authenticate_session: AuthenticateSession
    change_password: ChangePassword
    create_administrator: CreateAdministrator
    create_password_link: CreatePasswordLink
    create_signing_key: CreateSigningKey
    end_session: EndSession
    end_sessions: EndSessions
    invite_account: InviteAccount
    list_public_keys: ListPublicKeys
    list_sessions: ListSessions
    refresh_session: RefreshSession
    request_code: RequestCode
    rotate_signing_key: RotateSigningKey
    set_password: SetPassword
    sign_in: SignIn
    create_api_key: CreateApiKey
    list_api_keys: ListApiKeys
    revoke_api_key: RevokeApiKey
    authenticate_api_key: AuthenticateApiKey
    sign_in_with_provider: SignInWithProvider
    link_identity: LinkIdentity
    enrol_second_factor: EnrolSecondFactor
    confirm_second_factor: ConfirmSecondFactor
    remove_second_factor: RemoveSecondFactor
    reset_second_factor: ResetSecondFactor
    step_up: StepUp

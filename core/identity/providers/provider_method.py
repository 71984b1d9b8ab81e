"""The way to sign in with the answer of an identity provider, which also links an account that asked for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from core.identity.account import Account, AccountId
from core.identity.identity_link import AddressNotShared, IdentityLink, IdentityNotLinked
from core.identity.identity_provider import (
    MAX_CODE_LENGTH,
    MAX_STATE_LENGTH,
    Identity,
    IdentityProvider,
    IdentityRefused,
)
from core.identity.pending_sign_in import PendingSignIn, digest
from core.identity.ports import IdentityUnitOfWork, NewIdentityUnitOfWork
from core.identity.providers.link_identity import LinkIdentity
from core.identity.providers.sign_in_with_provider import named
from core.identity.session import EndedSession
from core.identity.sessions.end_sessions import end_all
from core.identity.sessions.session_issuer import Proof
from core.identity.sessions.session_watch import SessionWatch
from core.identity.sessions.sign_in_method import SignInMethod
from core.kernel.audit import Deed
from core.kernel.authorization import acting_as
from core.kernel.clock import Clock

METHOD = "oidc"
"""RFC 8176 has no word for a sign-in elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAnswer:
    """What a browser comes back with from a provider."""

    provider: str
    state: str
    code: str = field(repr=False)
    """Empty if the provider refused."""
    issuer: str | None = None
    """The parameter `iss` (RFC 9207)."""
    browser_secret: str = field(repr=False)
    """Empty in a browser that did not start."""


@dataclass(frozen=True, slots=True)
class ProviderMethod(SignInMethod):
    """Signs in the account that is linked with an identity; an address never selects an account."""

    identity_providers: Mapping[str, IdentityProvider]
    new_work: NewIdentityUnitOfWork
    session_watch: SessionWatch
    clock: Clock

    async def prove(self, credential: ProviderAnswer, address: str) -> Proof:
        """Return the proof; raise `IdentityRefused`, `IdentityNotLinked`, `AddressNotShared` or `ProviderUnavailable`.

        A state is used up by its first answer, whatever becomes of it.
        """
        provider = named(self.identity_providers, credential.provider)
        pending = await self._taken(credential)
        if not 0 < len(credential.code) <= MAX_CODE_LENGTH:
            raise IdentityRefused("the sign-in was not completed at the identity provider")
        identity = await provider.complete(credential.code, credential.issuer, credential.browser_secret)
        account = await (self._linked(identity) if pending.account is None else self._link(identity, pending, address))
        return Proof(account=AccountId(account), methods=(METHOD,), is_complete=True)

    async def _taken(self, credential: ProviderAnswer) -> PendingSignIn:
        pending = None
        if 0 < len(credential.state) <= MAX_STATE_LENGTH:
            async with self.new_work() as work:
                pending = await work.pending_sign_ins.take(digest(credential.state))
                await work.commit()
        now = self.clock.now()
        if pending is None or not pending.is_answered(credential.provider, credential.browser_secret, now):
            raise IdentityRefused("this browser did not start the sign-in, or more than 10 minutes ago: start it again")
        return pending

    async def _linked(self, identity: Identity) -> UUID:
        async with self.new_work() as work:
            link = await work.identity_links.find(identity.issuer, identity.subject)
        if link is None:
            raise IdentityNotLinked(
                "no account is linked with this identity: sign in another way, then link it; an administrator creates"
                " accounts"
            )
        return link.account

    async def _link(self, identity: Identity, pending: PendingSignIn, address: str) -> UUID:
        """Link the account that asked; end its password and sessions, which are older than the proof of its address."""
        now = self.clock.now()
        async with self.new_work() as work:
            account = await self._asking(work, pending)
            check_address(identity, account)
            if password := await work.passwords.lock(account.id):
                work.passwords.replace(password.changed("", now))
            ended = await end_all(work, account.id, now)
            check_session(pending, ended)
            link = IdentityLink(issuer=identity.issuer, subject=identity.subject, account=account.id, linked_at=now)
            work.identity_links.add(link)
            with acting_as(account.principal(address)):
                work.audit(deed(link))
            await work.commit()
        self.session_watch.end(*ended)
        return account.id

    @staticmethod
    async def _asking(work: IdentityUnitOfWork, pending: PendingSignIn) -> Account:
        account = await work.accounts.lock(AccountId(pending.account)) if pending.account else None
        if account is None or not account.active:
            raise IdentityRefused("the account that asked for the link may not sign in")
        return account


def deed(link: IdentityLink) -> Deed:
    """Return what the audit says of a link; the subject is personal."""
    return Deed(action=LinkIdentity.ACTION, target=f"account/{link.account}", after={"issuer": link.issuer})


def check_address(identity: Identity, account: Account) -> None:
    """Raise `AddressNotShared` unless the provider verified the address of the account.

    An account has the address that an administrator gave it, or that a code proved; it never sets its own.
    """
    if not identity.email_verified:
        raise AddressNotShared("the identity provider does not vouch for an address of this person")
    if not account.email or identity.email.casefold() != account.email.casefold():
        raise AddressNotShared("the address at the identity provider is not the address of the account")


def check_session(pending: PendingSignIn, ended: Sequence[EndedSession]) -> None:
    """Raise `IdentityRefused` if the session that asked had ended before."""
    if pending.session not in {session.id for session in ended}:
        raise IdentityRefused("the session that asked for the link has ended")

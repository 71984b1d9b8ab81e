"""Enrol a second factor."""

from dataclasses import dataclass, field
from typing import ClassVar

from core.identity.account import AccountId
from core.identity.errors import SecondFactorEnrolled
from core.identity.ports import IdentityUnitOfWork, NewIdentityUnitOfWork
from core.identity.second_factor import SecondFactor
from core.identity.second_factor_ports import TimeCodes
from core.identity.second_factors.own_session import locked_session
from core.kernel.audit import Deed
from core.kernel.authorization import MAX_PROOF_AGE, StepUpNeeded, open_to_all
from core.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class SecondFactorSecret:
    """The secret of a second factor, which is shown this once."""

    uri: str = field(repr=False)
    """What an authenticator app reads as a QR code: `otpauth://totp/…`."""
    secret: str = field(repr=False)
    """The same in base 32, to type in."""


@open_to_all
@dataclass(frozen=True, slots=True)
class EnrolSecondFactor:
    """Begin to give the account of the caller a second factor; it counts from its first code on."""

    ACTION: ClassVar = "enrol-second-factor"

    new_work: NewIdentityUnitOfWork
    time_codes: TimeCodes
    clock: Clock

    async def __call__(self) -> SecondFactorSecret:
        """Return the secret; an earlier one that was not confirmed is no longer valid.

        Raises `NotAuthenticated` for a caller without a session, `StepUpNeeded` for a sign-in that is too old, and
        `SecondFactorEnrolled`.
        """
        secret, now = self.time_codes.new_secret(), self.clock.now()
        async with self.new_work() as work:
            session, known = await locked_session(work, now)
            if now - session.proved_at > MAX_PROOF_AGE:
                raise StepUpNeeded("the sign-in is more than 15 minutes old: sign in again to enrol a second factor")
            if known and known.confirmed_at:
                raise SecondFactorEnrolled("remove the second factor of the account before you enrol another one")
            put = work.second_factors.replace if known else work.second_factors.add
            put(SecondFactor(account=session.account, secret=secret, enrolled_at=now))
            name = await name_of(work, AccountId(session.account))
            work.audit(Deed(action=self.ACTION, target=f"account/{session.account}"))
            await work.commit()
        return SecondFactorSecret(self.time_codes.uri(secret, name), secret)


async def name_of(work: IdentityUnitOfWork, account_id: AccountId) -> str:
    """Return what an authenticator app shows beside the codes."""
    account = await work.accounts.find(account_id)
    return account.name if account else str(account_id)

"""Signing in with a one-time code."""

from contextlib import suppress
from dataclasses import dataclass, field
from hmac import compare_digest
from uuid import UUID

from core.identity.account import Account, AccountId
from core.identity.errors import StudentHasAccount, WrongCredentials
from core.identity.one_time_secret import CODE, OneTimeSecret, Purpose, SecretId, wrong_code
from core.identity.one_time_secret_ports import SecretBox
from core.identity.ports import IdentityUnitOfWork, NewIdentityUnitOfWork
from core.identity.roles import Role
from core.identity.sessions.refused_sign_ins import RefusedSignIns
from core.identity.sessions.session_issuer import Proof
from core.identity.sessions.sign_in_guard import SignInGuard
from core.identity.sessions.sign_in_method import SignInMethod
from core.kernel.audit import Deed
from core.kernel.authorization import acting_as
from core.kernel.clock import Clock
from core.kernel.errors import Unavailable
from core.kernel.ids import Ids

NO_STUDENT = UUID(int=0)
"""Locked for the code of an unknown registration, so that a wrong attempt takes the same time."""
NAME = "Candidate"
"""The roster alone names a student."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeCredential:
    """A code, and the request that it answers."""

    request: UUID
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CodeMethod(SignInMethod):
    """Signs in the student that a code was sent to; the first sign-in creates the account.

    The code is used up when the session is stored: a second factor may still be asked for.
    """

    new_work: NewIdentityUnitOfWork
    secret_box: SecretBox
    sign_in_guard: SignInGuard
    refused_sign_ins: RefusedSignIns
    clock: Clock
    ids: Ids

    async def prove(self, credential: CodeCredential, address: str) -> Proof:
        """Return the proof; raise `Invalid` for what no code can be, and `WrongCredentials`, also after a use."""
        CODE.check("code", credential.code)
        async with self.sign_in_guard.attempt(str(credential.request), address):
            try:
                account = await self._verified(credential, address)
            except StudentHasAccount:  # an administrator created it just now
                account = await self._verified(credential, address)
            except WrongCredentials:
                await self._record_refusal(SecretId(credential.request), address)
                raise
        return Proof(account=account.id, methods=("otp",), secret=SecretId(credential.request))

    async def _verified(self, credential: CodeCredential, address: str) -> Account:
        async with self.new_work() as work:
            asked = await work.one_time_secrets.find(SecretId(credential.request))
            # The student first, as an erasure does: two orders would be a deadlock.
            student = (asked.holder if asked else None) or NO_STUDENT
            is_enrolled = await work.enrolled_students.lock(student)
            secret = await work.one_time_secrets.lock(SecretId(credential.request))
            if secret is None or not secret.is_open(Purpose.SIGN_IN, self.clock.now()):
                raise wrong_code()
            if not self._matches(secret, credential.code):
                work.one_time_secrets.replace(secret.missed())
                await work.commit()
                raise wrong_code()
            if not is_enrolled:
                raise wrong_code()
            account = await self._account(work, student, address)
            await work.commit()
        return account

    async def _record_refusal(self, request: SecretId, address: str) -> None:
        """Record a wrong code, with the same work whether or not the student has an account."""
        with suppress(Unavailable):
            async with self.new_work() as work:
                asked = await work.one_time_secrets.find(request)
                known = await work.enrolled_students.account_of((asked.holder if asked else None) or NO_STUDENT)
            await self.refused_sign_ins.record(str(request), known.id if known else None, address)

    def _matches(self, secret: OneTimeSecret, code: str) -> bool:
        return compare_digest(secret.digest, self.secret_box.digest(secret.id, code))

    async def _account(self, work: IdentityUnitOfWork, student: UUID, address: str) -> Account:
        """Return the account of a student, a new one at the first sign-in."""
        account = await work.enrolled_students.account_of(student)
        if account is None:
            account = Account(
                id=AccountId(self.ids.new()),
                roles=frozenset({Role.CANDIDATE}),
                name=NAME,
                student=student,
                created_at=self.clock.now(),
            )
            work.accounts.add(account)
            with acting_as(account.principal(address)):
                work.audit(Deed(action="register-candidate", target=f"account/{account.id}", after=account.audited()))
        if not account.active:
            raise wrong_code()
        return account

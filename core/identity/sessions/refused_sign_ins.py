"""Records wrong secrets in the audit."""

from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from core.identity.errors import WrongCredentials
from core.identity.ports import NewIdentityUnitOfWork
from core.identity.session_ports import Pseudonym
from core.kernel.audit import Deed
from core.kernel.authorization import ANONYMOUS, Principal, acting_as
from core.kernel.errors import Unavailable
from core.kernel.rate_limit import Limit, RateLimiter

LIMIT, KEY = Limit("refused-sign-ins", 600, 60), "refused-sign-ins"
"""The records of all processes; a single source is stopped before by the guard."""


@dataclass(frozen=True, slots=True)
class RefusedSignIns:
    """Records refused sign-ins, each in a transaction of its own, as many as strangers may add."""

    new_work: NewIdentityUnitOfWork
    rate_limiter: RateLimiter
    pseudonym: Pseudonym

    async def record(self, named: str, account: UUID | None, address: str) -> None:
        """Store that a secret was wrong; an unavailable database does not change the answer.

        `named` is what the client sent as a login, possibly a password: it is stored as a keyed digest.
        """
        if not (await self.rate_limiter.acquire({KEY: LIMIT})).allowed:
            return
        target = f"account/{account}" if account else f"login/{self.pseudonym(named)}"
        with suppress(Unavailable), acting_as(Principal(subject=ANONYMOUS.subject, address=address)):
            async with self.new_work() as work:
                work.audit(Deed(action="sign-in", target=target, outcome=WrongCredentials.problem))
                await work.commit()

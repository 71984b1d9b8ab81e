"""Links with identities, and pending sign-ins, in SQL."""

from dataclasses import asdict

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.conflicts import CONFLICTS, Row
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.identity.link_tables import identity_links, pending_sign_ins
from core.identity.identity_link import IdentityAlreadyLinked, IdentityLink
from core.identity.identity_link_ports import IdentityLinks, PendingSignIns
from core.identity.pending_sign_in import PendingSignIn
from core.kernel.errors import CoreError

LINKS, PENDING = identity_links.c, pending_sign_ins.c


class SqlIdentityLinks(IdentityLinks):
    """A row for each linked identity."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def find(self, issuer: str, subject: str) -> IdentityLink | None:
        query = select(identity_links).where(LINKS.issuer == issuer, LINKS.subject == subject)
        row = (await (await self._work.connect()).execute(query)).one_or_none()
        return IdentityLink(**row._asdict()) if row else None

    def add(self, link: IdentityLink) -> None:
        self._work.insert(identity_links, asdict(link))


class SqlPendingSignIns(PendingSignIns):
    """A row for each sign-in that a provider has not answered."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    def add(self, pending: PendingSignIn) -> None:
        self._work.insert(pending_sign_ins, asdict(pending))

    async def take(self, state_digest: bytes) -> PendingSignIn | None:
        connection, taken = await self._work.connect(), PENDING.state_digest == state_digest
        row = (await connection.execute(select(pending_sign_ins).where(taken).with_for_update())).one_or_none()
        if row is None:
            return None
        await connection.execute(delete(pending_sign_ins).where(taken))
        return PendingSignIn(**row._asdict())


async def identity_already_linked(_connection: AsyncConnection, _row: Row) -> CoreError:
    """Return the error for an identity that has a link."""
    return IdentityAlreadyLinked("this identity is linked with an account already")


identity_links.info[CONFLICTS] = {"pk_identity_links": identity_already_linked}

"""Links with identities, and pending sign-ins, in the memory database."""

from functools import partial

from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.identity.identity_link import IdentityAlreadyLinked, IdentityLink
from core.identity.identity_link_ports import IdentityLinks, PendingSignIns
from core.identity.pending_sign_in import PendingSignIn


class MemoryIdentityLinks(IdentityLinks):
    """Links by issuer and subject."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def find(self, issuer: str, subject: str) -> IdentityLink | None:
        return self._work.database.identity_links.get((issuer, subject))

    def add(self, link: IdentityLink) -> None:
        self._work.inserts.append(partial(self._add, link))

    def _add(self, link: IdentityLink) -> None:
        table, key = self._work.database.identity_links, (link.issuer, link.subject)
        if key in table:
            raise IdentityAlreadyLinked("this identity is linked with an account already")
        self._work.undo_log.put(table, key, link)


class MemoryPendingSignIns(PendingSignIns):
    """Pending sign-ins by the digests of their states."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    def add(self, pending: PendingSignIn) -> None:
        table = self._work.database.pending_sign_ins
        self._work.inserts.append(partial(self._work.undo_log.put, table, pending.state_digest, pending))

    async def take(self, state_digest: bytes) -> PendingSignIn | None:
        pending = self._work.database.pending_sign_ins.get(state_digest)
        if pending is not None:
            self._work.undo_log.remove(self._work.database.pending_sign_ins, state_digest)
        return pending

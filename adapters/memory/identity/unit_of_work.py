"""The unit of work of the identity context over the memory database."""

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from adapters.memory.identity.accounts import MemoryAccounts
from adapters.memory.identity.api_keys import MemoryApiKeys
from adapters.memory.identity.identity_links import MemoryIdentityLinks, MemoryPendingSignIns
from adapters.memory.identity.one_time_secrets import MemoryEnrolledStudents, MemoryOneTimeSecrets
from adapters.memory.identity.passwords import MemoryPasswords, MemorySigningKeys
from adapters.memory.identity.second_factors import MemorySecondFactors
from adapters.memory.identity.sessions import MemoryRefreshableSessions, MemorySessions
from core.identity.ports import IdentityUnitOfWork
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction


class MemoryIdentityUnitOfWork(MemoryUnitOfWork, IdentityUnitOfWork):
    """Accounts, their credentials and their sessions."""

    def __init__(self, database: MemoryDatabase, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        super().__init__(database, clock, ids, within)
        self.accounts, self.api_keys = MemoryAccounts(self), MemoryApiKeys(self)
        self.passwords, self.sessions = MemoryPasswords(self), MemorySessions(self)
        self.second_factors = MemorySecondFactors(self)
        self.refreshable_sessions = MemoryRefreshableSessions(self)
        self.signing_keys = MemorySigningKeys(self)
        self.identity_links, self.pending_sign_ins = MemoryIdentityLinks(self), MemoryPendingSignIns(self)
        self.one_time_secrets, self.enrolled_students = MemoryOneTimeSecrets(self), MemoryEnrolledStudents(self)

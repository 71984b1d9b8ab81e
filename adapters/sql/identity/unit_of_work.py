"""The unit of work of the identity context in SQL."""

from adapters.sql.engine.encrypted_columns import EncryptedColumns
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.identity.accounts import SqlAccounts
from adapters.sql.identity.api_keys import SqlApiKeys
from adapters.sql.identity.identity_links import SqlIdentityLinks, SqlPendingSignIns
from adapters.sql.identity.one_time_secrets import SqlEnrolledStudents, SqlOneTimeSecrets
from adapters.sql.identity.passwords import SqlPasswords, SqlSigningKeys
from adapters.sql.identity.second_factors import SqlSecondFactors
from adapters.sql.identity.sessions import SqlRefreshableSessions, SqlSessions
from core.identity.ports import IdentityUnitOfWork
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction


class SqlIdentityUnitOfWork(SqlUnitOfWork, IdentityUnitOfWork):
    """Accounts, their credentials and their sessions."""

    def __init__(
        self,
        transactions: Transaction,
        encrypted: EncryptedColumns,
        clock: Clock,
        ids: Ids,
        within: Transaction | None = None,
    ) -> None:
        super().__init__(transactions, clock, ids, within)
        self.accounts, self.api_keys = SqlAccounts(self), SqlApiKeys(self)
        self.passwords, self.sessions = SqlPasswords(self), SqlSessions(self)
        self.second_factors = SqlSecondFactors(self, encrypted)
        self.refreshable_sessions = SqlRefreshableSessions(self)
        self.signing_keys = SqlSigningKeys(self)
        self.identity_links, self.pending_sign_ins = SqlIdentityLinks(self), SqlPendingSignIns(self)
        self.one_time_secrets, self.enrolled_students = SqlOneTimeSecrets(self), SqlEnrolledStudents(self)

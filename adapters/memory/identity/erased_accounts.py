"""What an erasure does with the account of a student, in the transaction of the erasure."""

from dataclasses import replace
from uuid import UUID

from adapters.memory.engine.unit_of_work import MemoryUnitOfWork

ERASED = "(erased)"


def erase_accounts(work: MemoryUnitOfWork, student: UUID) -> None:
    """Disable the accounts of a student without a name or an address; end their sessions, delete their credentials."""
    database, log, now = work.database, work.undo_log, work.clock.now()
    theirs = [each for each in database.accounts.values() if each.student == student]
    holders = {student, *(each.id for each in theirs)}
    for account in theirs:
        log.put(database.accounts, account.id, replace(account.disabled(), name=ERASED, email=""))
        database.change_credentials()
        if account.id in database.passwords:
            log.remove(database.passwords, account.id)
        if account.id in database.second_factors:
            log.remove(database.second_factors, account.id)
    for session in [each for each in database.sessions.values() if each.account in holders]:
        log.put(database.sessions, session.id, replace(session.ended(now), address="", device=""))
    for key in [key for key, link in database.identity_links.items() if link.account in holders]:
        log.remove(database.identity_links, key)
    for secret in [each.id for each in database.one_time_secrets.values() if each.holder in holders]:
        log.remove(database.one_time_secrets, secret)

"""What an erasure does with the account of a student, in the transaction of the erasure."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.identity.link_tables import identity_links
from adapters.sql.identity.secret_tables import one_time_secrets
from adapters.sql.identity.session_tables import passwords, second_factors, sessions
from adapters.sql.identity.tables import accounts, increment

ERASED = "(erased)"


async def count_accounts(connection: AsyncConnection, student: UUID) -> int:
    """Return the number of accounts of a student."""
    found: int | None = await connection.scalar(select(func.count()).where(accounts.c.student_id == student))
    return found or 0


async def erase_accounts(connection: AsyncConnection, student: UUID, at: datetime) -> None:
    """Disable the accounts of a student without a name or an address; end their sessions, delete their credentials."""
    query = select(accounts.c.id).where(accounts.c.student_id == student).with_for_update()
    theirs: Sequence[UUID] = (await connection.scalars(query)).all()
    if theirs:
        values = {"active": False, "name": ERASED, "email": "", "version": accounts.c.version + 1}
        await connection.execute(update(accounts).where(accounts.c.id.in_(theirs)).values(values))
        await connection.execute(increment(connection.dialect).values({"id": 1, "revision": 1}))
        await connection.execute(delete(passwords).where(passwords.c.account.in_(theirs)))
        await connection.execute(delete(second_factors).where(second_factors.c.id.in_(theirs)))
        ended = {"ended_at": func.coalesce(sessions.c.ended_at, at), "sealed": b"", "address": "", "device": ""}
        await connection.execute(update(sessions).where(sessions.c.account.in_(theirs)).values(ended))
        await connection.execute(delete(identity_links).where(identity_links.c.account.in_(theirs)))
    holders = or_(one_time_secrets.c.holder == student, one_time_secrets.c.holder.in_(theirs))
    await connection.execute(delete(one_time_secrets).where(holders))

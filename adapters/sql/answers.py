"""Answers to requests, in SQL."""

from hmac import compare_digest

from sqlalchemy import select

from adapters.sql.database import Database
from adapters.sql.tables import requests
from core.shared.requests import Answers, IdempotencyKeyReused, Request


class SqlAnswers(Answers):
    """Answers stored with the effects they report."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def to(self, request: Request) -> bytes | None:
        columns = select(requests.c.fingerprint, requests.c.answer)
        query = columns.where(requests.c.scope == request.scope, requests.c.idempotency_key == request.key)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        if not compare_digest(row.fingerprint, request.fingerprint):
            raise IdempotencyKeyReused("this idempotency key was used before, for a different body")
        return bytes(row.answer)

"""The stored answers of requests with an idempotency key, in the memory database."""

from adapters.memory.engine.database import MemoryDatabase
from core.kernel.idempotency import Answers, IdempotencyKeyReused, RequestContext


class MemoryAnswers(Answers):
    """Answers by scope and idempotency key."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def find(self, request: RequestContext) -> bytes | None:
        known = self._database.requests.get((request.scope, request.key or ""))
        if known is None:
            return None
        fingerprint, answer, _ = known
        if fingerprint != request.fingerprint:
            raise IdempotencyKeyReused.for_another_body()
        return answer

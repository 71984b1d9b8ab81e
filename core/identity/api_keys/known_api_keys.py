"""The API keys that a process knows, valid as of a second ago at most."""

import asyncio
from contextlib import suppress
from contextvars import Context
from datetime import datetime, timedelta
from math import inf
from typing import TypeVar

from core.identity.api_key import ApiKey, OwnedApiKey
from core.identity.credential import ID_PART, LENGTH, ApiKeyId, key_of
from core.identity.ports import IssuedApiKeys
from core.kernel.errors import CoreError, Unavailable
from core.kernel.network import source_of
from core.kernel.rate_limit import Limit, RateLimited, RateLimiter

T = TypeVar("T")
MAX_KNOWN = 10_000
"""About 20 MB; beyond it the one that is known for the longest time is read again at its next use."""
REREAD_AFTER_SECONDS, STALE_AFTER_SECONDS = 0.5, 1.0
"""The revision is read again before requests would have to wait for it; without requests it is not read."""
USE_INTERVAL = timedelta(minutes=1)
WINDOW_SECONDS = 60
MAX_CONCURRENT_LOOKUPS = 16
"""Keys that are looked up at a time: each counts against the limit of its address until it is found."""


class KnownApiKeys:
    """Keeps keys until the revision of all credentials changes."""

    def __init__(
        self,
        issued_api_keys: IssuedApiKeys,
        rate_limiter: RateLimiter,
        unknown_per_address: int,
        max_known: int = MAX_KNOWN,
    ) -> None:
        self._issued, self._rate_limiter, self._max_known = issued_api_keys, rate_limiter, max_known
        self._limit = Limit("unknown-api-keys", unknown_per_address, WINDOW_SECONDS)
        self._lookups = asyncio.Semaphore(min(MAX_CONCURRENT_LOOKUPS, unknown_per_address))
        self._known: dict[str, OwnedApiKey] = {}
        self._unknown: dict[str, None] = {}
        """What the texts of keys that do not exist have for an id."""
        self._used: dict[bytes, datetime] = {}
        """By the digest of the key, whose hash takes less than that of its id."""
        self._revision, self._read_at, self._failure = -1, -inf, ""
        self._reading: asyncio.Task[None] | None = None
        self._recording: set[asyncio.Task[None]] = set()

    async def find(self, credential: str, address: str) -> OwnedApiKey | None:
        """Return the key on record that a text names, whose secret is not compared.

        Raises `Unavailable` when it is not known whether the key was revoked, `RateLimited` when a key that this
        process does not know comes from an address that sent too many which do not exist.
        """
        await self._ensure_current()
        known = self._known  # of this revision, and dropped with it
        if found := self._known_by(credential):
            return found
        if (key := key_of(credential)) is None or (named := credential[ID_PART]) in self._unknown:
            return None
        async with self._lookups:
            found = await self._look_up(key, source_of(address))
        keep(known, named, found, self._max_known) if found else keep(self._unknown, named, None, self._max_known)
        return found

    async def _look_up(self, key: ApiKeyId, source: str) -> OwnedApiKey | None:
        """Read a key; only one that does not exist counts."""
        wanted = {f"unknown-api-keys:{source}": self._limit}
        verdict = await self._rate_limiter.acquire(wanted)
        if not verdict.allowed:
            raise RateLimited.by(verdict)
        found = None
        try:
            found = await self._issued.find(key)
        except Unavailable:
            await self._rate_limiter.release(wanted)
            raise
        if found:
            await self._rate_limiter.release(wanted)
        return found

    def current(self, credential: str) -> OwnedApiKey | None:
        """Return the key that a text names, if it is known as of a second ago at most; its secret is not compared."""
        age = asyncio.get_running_loop().time() - self._read_at
        if age >= STALE_AFTER_SECONDS:
            return None
        if age >= REREAD_AFTER_SECONDS:
            self._read_again()
        return self._known_by(credential)

    def _known_by(self, credential: str) -> OwnedApiKey | None:
        return self._known.get(credential[ID_PART]) if len(credential) == LENGTH else None

    def note_use(self, key: ApiKey, at: datetime) -> None:
        """Record the use of a key in the background, at most once a minute."""
        last = self._used.get(key.digest, key.used_at)
        if last is not None and at - last < USE_INTERVAL:
            return
        if len(self._used) >= self._max_known:
            self._used.clear()
        self._used[key.digest] = at
        task = asyncio.create_task(self._record_use(key.id, at), context=Context())
        self._recording.add(task)
        task.add_done_callback(self._recording.discard)

    async def _ensure_current(self) -> None:
        """Wait until what is known is a second old at most, or was read after this call began."""
        began = asyncio.get_running_loop().time()
        if began - self._read_at < REREAD_AFTER_SECONDS:
            return
        while began - self._read_at >= STALE_AFTER_SECONDS:
            await asyncio.shield(self._read_again())
            if self._failure:
                raise Unavailable(f"whether the API key was revoked is not known: {self._failure}", retry_after=1)
        if began - self._read_at >= REREAD_AFTER_SECONDS:
            self._read_again()

    def _read_again(self) -> "asyncio.Task[None]":
        """Begin to read the revision, unless that is under way."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read(), context=Context())
        return self._reading

    async def _read(self) -> None:
        began = asyncio.get_running_loop().time()
        try:
            revision = await self._issued.revision()
        except Unavailable as error:
            self._failure = str(error)
            return
        if revision != self._revision:
            self._revision, self._known = revision, {}
        self._read_at, self._failure = began, ""

    async def _record_use(self, key: ApiKeyId, at: datetime) -> None:
        with suppress(CoreError):  # of a use that is not recorded only `used_at` knows nothing
            await self._issued.record_use(key, at)


def keep(entries: dict[str, T], name: str, value: T, most: int) -> None:
    """Add an entry; the one that is known for the longest time makes room."""
    while len(entries) >= most:
        del entries[next(iter(entries))]
    entries[name] = value

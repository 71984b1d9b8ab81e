"""Argon2id hashes of passwords, computed in a bounded number of threads."""

import asyncio
import os
import time
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from argon2 import PasswordHasher as Argon2
from argon2 import Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from core.identity.passwords.password_policy import normal_password
from core.identity.session_ports import PasswordHasher
from core.kernel.errors import Unavailable

T = TypeVar("T")
MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
"""OWASP's Password Storage Cheat Sheet, first choice of Argon2id: 19 MiB, t=2, p=1."""
MIN_MEMORY_KIB, MAX_MEMORY_KIB, MAX_PASSES, MAX_LANES = 1024, 64 * 1024, 8, 4
"""A stored hash that asks for more is refused: a changed row must not occupy the machine."""
HASH_BYTES, SALT_BYTES = 32, 16
MAX_WAIT_SECONDS = 1.0
"""A password that would wait for longer, at the speed of the latest hashes, is refused at once."""
DEADLINE_SECONDS = 1.5
"""What has not begun by then is refused, too: the machine has become slower meanwhile."""
FIRST_ESTIMATE_SECONDS, MIN_ESTIMATE_SECONDS, WEIGHT_OF_LATEST = 0.03, 0.01, 0.1
"""What a hash is taken to last before one was measured, and at least; and the weight of one in the moving average."""
RETRY_AFTER_SECONDS = 2.0


class Argon2PasswordHasher(PasswordHasher):
    """Computes as many hashes at once as the process has cores, and keeps a queue as long as it can soon work off."""

    def __init__(self, threads: int = 0, seconds_per_hash: float = FIRST_ESTIMATE_SECONDS) -> None:
        """Compute in `threads` threads, or in one for each core; expect hashes to last `seconds_per_hash` at first."""
        self._count = threads or available_cores()
        self._argon2 = Argon2(PASSES, MEMORY_KIB, LANES, hash_len=HASH_BYTES, salt_len=SALT_BYTES, type=Type.ID)
        self._decoy = decoy()
        self._threads = ThreadPoolExecutor(self._count, "argon2")
        self._admitted, self._seconds_per_hash = 0, seconds_per_hash

    async def hash(self, password: str) -> str:
        text = normal_password(password)
        return await self._in_thread(lambda: self._argon2.hash(text))

    async def verify(self, password: str, stored: str | None) -> bool:
        text, known = normal_password(password), stored if stored and is_bounded(stored) else None
        matches = await self._in_thread(lambda: self._matches(text, known or self._decoy))
        return matches and known is not None

    def is_outdated(self, stored: str) -> bool:
        return self._argon2.check_needs_rehash(stored)

    async def close(self) -> None:
        """End the threads; what waits is not computed."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, text: str, stored: str) -> bool:
        try:
            return self._argon2.verify(stored, text)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, compute: Callable[[], T]) -> T:
        waiting = self._admitted + 1 - self._count
        if waiting * self._seconds_per_hash / self._count > MAX_WAIT_SECONDS:
            raise Unavailable("too many passwords are being checked", retry_after=RETRY_AFTER_SECONDS)
        self._admitted += 1
        computing = self._threads.submit(self._timed, compute)
        computing.add_done_callback(self._free(asyncio.get_running_loop()))
        result = asyncio.wrap_future(computing)
        try:
            await asyncio.wait({result}, timeout=DEADLINE_SECONDS)
            if not result.done() and computing.cancel():
                raise Unavailable("no password was checked in time", retry_after=RETRY_AFTER_SECONDS)
            return await result
        finally:
            computing.cancel()  # its client may have left; what has begun is finished

    def _timed(self, compute: Callable[[], T]) -> T:
        """Compute, and note how long it took; a suspended process counts as a slow one."""
        began = time.perf_counter()
        try:
            return compute()
        finally:
            took = min(max(time.perf_counter() - began, MIN_ESTIMATE_SECONDS), MAX_WAIT_SECONDS)
            self._seconds_per_hash += WEIGHT_OF_LATEST * (took - self._seconds_per_hash)

    def _free(self, loop: asyncio.AbstractEventLoop) -> Callable[[object], None]:
        def done(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: the process ends
                loop.call_soon_threadsafe(self._leave)

        return done

    def _leave(self) -> None:
        self._admitted -= 1


def decoy() -> str:
    """Return a hash that no password has, and whose verification is as much work as that of a new one."""
    salt, value = (b64encode(os.urandom(size)).decode().rstrip("=") for size in (SALT_BYTES, HASH_BYTES))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${value}"


def is_bounded(stored: str) -> bool:
    """Tell whether a stored hash is Argon2id with parameters that this process is willing to compute."""
    try:
        found = extract_parameters(stored)
    except InvalidHashError:
        return False
    return (
        found.type is Type.ID
        and MIN_MEMORY_KIB <= found.memory_cost <= MAX_MEMORY_KIB
        and 1 <= found.time_cost <= MAX_PASSES
        and 1 <= found.parallelism <= MAX_LANES
        and 16 <= found.hash_len <= 64
        and 8 <= found.salt_len <= 64
    )


def available_cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

"""Argon2id hashes of passwords, computed in a bounded number of threads."""

import asyncio
import os
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
MAX_WAITING_PER_THREAD = 48
"""A hash takes about 20 ms: the last one that waits begins after a second."""
MAX_WAIT_SECONDS = 2.0
"""What has not begun by then is refused: on a busy machine the queue moves slowly."""
RETRY_AFTER_SECONDS = 2.0


class Argon2PasswordHasher(PasswordHasher):
    """Computes as many hashes at once as the process has cores, and keeps a short queue."""

    def __init__(self, threads: int = 0, waiting_per_thread: int = MAX_WAITING_PER_THREAD) -> None:
        threads = threads or available_cores()
        self._argon2 = Argon2(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES, type=Type.ID)
        self._decoy = self._argon2.hash(os.urandom(16).hex())
        self._threads = ThreadPoolExecutor(threads, "argon2")
        self._room = threads * (1 + waiting_per_thread)

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
        if self._room <= 0:
            raise Unavailable("too many passwords are being checked", retry_after=RETRY_AFTER_SECONDS)
        self._room -= 1
        computing = self._threads.submit(compute)
        computing.add_done_callback(self._free(asyncio.get_running_loop()))
        result = asyncio.wrap_future(computing)
        begun, _ = await asyncio.wait({result}, timeout=MAX_WAIT_SECONDS)
        if not begun and computing.cancel():
            raise Unavailable("no password was checked in time", retry_after=RETRY_AFTER_SECONDS)
        return await result

    def _free(self, loop: asyncio.AbstractEventLoop) -> Callable[[object], None]:
        def done(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: the process ends
                loop.call_soon_threadsafe(self._leave)

        return done

    def _leave(self) -> None:
        self._room += 1


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

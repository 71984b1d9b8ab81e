"""Rate limits of long operations that can be stopped."""

import asyncio
from dataclasses import dataclass, field

from core.kernel.errors import Invalid
from core.kernel.signals import Signals

MAX_STEPS_PER_SECOND = 100_000


@dataclass(slots=True)
class Pace:
    """Admits at most `rate` steps a second (None: no limit) until `stop` is set."""

    rate: int | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    _turn: float = 0.0

    def __post_init__(self) -> None:
        if self.rate is not None and not 1 <= self.rate <= MAX_STEPS_PER_SECOND:
            raise Invalid(f"a rate is from 1 to {MAX_STEPS_PER_SECOND} steps a second", at="$.rate")

    async def acquire(self, steps: int = 1) -> bool:
        """Wait until the rate allows so many steps; return False once `stop` is set."""
        if self.rate is not None and not self.stop.is_set():
            now = asyncio.get_running_loop().time()
            await Signals.wait(self.stop, max(0.0, self._turn - now))
            self._turn = max(self._turn, now) + steps / self.rate
        return not self.stop.is_set()

"""Whether what lives in this process is there."""

from core.kernel.health import Probe


class InProcessProbe(Probe):
    """Something that cannot be away."""

    remedy = ""

    def __init__(self, name: str) -> None:
        self.name = name

    async def check(self) -> str:
        return "in this process"

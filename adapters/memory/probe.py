"""Whether what lives in this process is there."""

from core.shared.health import Probe


class InProcess(Probe):
    """Something that cannot be away."""

    remedy = ""

    def __init__(self, name: str) -> None:
        self.name = name

    async def check(self) -> str:
        return "in this process"

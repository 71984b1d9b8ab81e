"""How much trouble of a vendor we put up with."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class ResiliencePolicy:
    """Limits for one vendor; the settings of the same names say what each is for."""

    deadline_seconds: float
    concurrency: int
    ramp_seconds: float
    tries: int
    retry_base_seconds: float
    retry_budget_percent: int
    window_seconds: float
    failure_percent: int
    minimum_calls: int
    slow_seconds: float
    open_seconds: float

    def __post_init__(self) -> None:
        for limit in fields(self):
            if getattr(self, limit.name) <= 0 and limit.name not in ("retry_budget_percent", "retry_base_seconds"):
                raise ValueError(f"resilience.{limit.name} must be positive")

"""The limits of calls to one vendor."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class ResiliencePolicy:
    """The settings `resilience.*`, which document each field."""

    deadline_seconds: float
    max_in_flight: int
    ramp_seconds: float
    max_attempts: int
    retry_base_seconds: float
    retry_budget_percent: int
    window_seconds: float
    failure_percent: int
    minimum_calls: int
    slow_seconds: float
    open_seconds: float
    account_hold_seconds: float

    def __post_init__(self) -> None:
        for limit in fields(self):
            if getattr(self, limit.name) <= 0 and limit.name not in ("retry_budget_percent", "retry_base_seconds"):
                raise ValueError(f"resilience.{limit.name} must be positive")

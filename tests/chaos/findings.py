"""What was found that should not be."""

from collections import defaultdict

FINDING_KINDS = (
    "lost", "duplicate_submissions", "duplicate_effects", "out_of_order", "blind_resends", "dead_letters",
    "stock_lost", "stock_not_conserved", "stock_duplicates", "stock_untold", "stock_idle",
)  # fmt: skip
"""What there must be none of."""


class Findings:
    """What was found, by kind."""

    def __init__(self) -> None:
        self.of: defaultdict[str, list[str]] = defaultdict(list)
        self.unknown = 0

    def add(self, kind: str, what: str) -> None:
        """Write one finding down."""
        self.of[kind].append(what)

    def counts(self) -> dict[str, int]:
        """Return how many there are of each kind."""
        return {kind: len(self.of[kind]) for kind in FINDING_KINDS}

"""Violations that the judge found."""

from collections import defaultdict

FINDING_KINDS = (
    "lost", "duplicate_submissions", "duplicate_effects", "out_of_order", "blind_resends", "dead_letters",
    "money_lost", "money_duplicates", "money_disagrees",
    "stock_lost", "stock_not_conserved", "stock_duplicates", "stock_untold", "stock_idle",
)  # fmt: skip
"""The kinds of findings; a passing run has none."""


class Findings:
    """Findings by kind."""

    def __init__(self) -> None:
        self.of: defaultdict[str, list[str]] = defaultdict(list)
        self.unknown = 0

    def add(self, kind: str, what: str) -> None:
        """Record one finding."""
        self.of[kind].append(what)

    def counts(self) -> dict[str, int]:
        """Return the number of findings by kind."""
        return {kind: len(self.of[kind]) for kind in FINDING_KINDS}

"""What waivers lowered."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from core.ledger.reports.ports import Movement
from core.ledger.transaction import FINED, WAIVED


def waived_of_charge(debts: Iterable[Movement], before: datetime) -> int:
    """Return what of the waivers of a fee is left for its charge: they lower the fines of their head first."""
    fined, waived = defaultdict[str, int](int), defaultdict[str, int](int)
    for each in debts:
        if each.at < before and each.kind in FINED:
            fined[each.account.name] += each.minor
        elif each.at < before and each.kind in WAIVED:
            waived[each.account.name] -= each.minor
    return sum(max(0, minor - fined[head]) for head, minor in waived.items())

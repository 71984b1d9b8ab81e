"""Which kinds of rule there are: the factory that makes a strategy from the word in a document."""

from collections.abc import Mapping
from types import MappingProxyType

from core.fees.pricing.concession import Concession
from core.fees.pricing.exempt import Exempt
from core.fees.pricing.flat import Flat
from core.fees.pricing.late import Late
from core.fees.pricing.papers import Papers
from core.fees.pricing.rule import Rule

KINDS: Mapping[str, type[Rule]] = MappingProxyType(
    {
        "concession": Concession,
        "exempt": Exempt,
        "flat": Flat,
        "late": Late,
        "papers": Papers,
    }
)
"""The class that prices each kind."""

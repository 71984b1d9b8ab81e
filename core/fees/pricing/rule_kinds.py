"""Which kinds of rule there are: the factory that makes a strategy from the word in a document."""

from collections.abc import Mapping
from types import MappingProxyType

from core.fees.pricing.concession import Concession
from core.fees.pricing.exemption import Exemption
from core.fees.pricing.flat_fee import FlatFee
from core.fees.pricing.late_fee import LateFee
from core.fees.pricing.paper_fee import PaperFee
from core.fees.pricing.rule import Rule

RULE_KINDS: Mapping[str, type[Rule]] = MappingProxyType(
    {
        "concession": Concession,
        "exempt": Exemption,
        "flat": FlatFee,
        "late": LateFee,
        "papers": PaperFee,
    }
)
"""The class that prices each kind."""

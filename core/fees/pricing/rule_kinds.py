"""The kinds of pricing rules by their words in documents."""

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
"""The rule class of each kind."""

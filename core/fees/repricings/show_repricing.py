"""Show a repricing."""

from dataclasses import dataclass
from uuid import UUID

from core.fees.errors import UnknownRepricing
from core.fees.ports import RepricingRecords
from core.fees.repricing import Repricing, RepricingView
from core.kernel.authorization import Permission, requires


@requires(Permission.PAYMENTS_READ)
@dataclass(frozen=True, slots=True)
class ShowRepricing:
    """Show how far a repricing is, and what it changes."""

    repricings: RepricingRecords

    async def __call__(self, repricing: UUID) -> RepricingView:
        """Return it, or raise `UnknownRepricing`."""
        return RepricingView.of(await known_repricing(self.repricings, repricing))


async def known_repricing(repricings: RepricingRecords, wanted: UUID) -> Repricing:
    """Return a repricing as it is stored, or raise `UnknownRepricing`."""
    if found := await repricings.find(wanted):
        return found
    raise UnknownRepricing(f"there is no repricing {wanted}")

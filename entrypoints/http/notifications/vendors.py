"""Vendors over HTTP."""

from collections.abc import Sequence

from litestar import Controller, get

from core.notifications.vendor_standing import VendorStanding
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.problems import problems


class VendorsController(Controller):
    """Shows the standings of vendors."""

    path = "/v1"
    tags = ("Operations",)

    @get("/vendors", operation_id="listVendors", responses=problems(400, 503))
    async def list_all(self, use_cases: Wired[UseCases]) -> Sequence[VendorStanding]:
        """List the breaker state and failure rate of each vendor, as each dispatcher published in the last minute."""
        return await use_cases.notifications.list_vendor_standings()

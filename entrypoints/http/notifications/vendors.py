"""Vendors over HTTP."""

from collections.abc import Sequence

from litestar import Controller, get

from core.notifications.list_vendor_standings import ListVendorStandings
from core.notifications.vendor_standing import VendorStanding
from entrypoints.http.dependencies import Wired
from entrypoints.http.problems import problems


class VendorsController(Controller):
    """Show how we stand with the vendors."""

    path = "/v1"
    tags = ("Operations",)

    @get("/vendors", responses=problems(503))
    async def list_all(self, list_vendor_standings: Wired[ListVendorStandings]) -> Sequence[VendorStanding]:
        """List which vendors are asked and how often they fail, as each dispatcher of the last minute says."""
        return await list_vendor_standings()

"""The ledger over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get
from litestar.params import FromPath, QueryParameter

from core.kernel.period import Moment
from core.ledger.account import AccountText
from core.ledger.show_balance import AccountBalance
from core.ledger.show_statement import Statement
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.problems import problems


class LedgerController(Controller):
    """Balances and statements."""

    path = "/v1/ledger"
    tags = ("Ledger",)

    @get("/balances/{account:str}", operation_id="showBalance", responses=problems(400, 404, 503))
    async def show_balance(
        self,
        use_cases: Wired[UseCases],
        account: FromPath[AccountText],
        as_of: Annotated[Moment | None, QueryParameter(description="What had happened before this moment")] = None,
    ) -> AccountBalance:
        """Show what an account has: debits less credits, so what was earned is negative."""
        return await use_cases.ledger.show_balance(account, as_of)

    @get("/statements/{submission:uuid}", operation_id="showStatement", responses=problems(400, 404, 503))
    async def show_statement(
        self,
        use_cases: Wired[UseCases],
        submission: FromPath[UUID],
    ) -> Statement:
        """Show what was posted about an exam fee, the oldest first."""
        return await use_cases.ledger.show_statement(submission)

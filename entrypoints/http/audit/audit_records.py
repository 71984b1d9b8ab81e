"""The audit records over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import QueryParameter

from core.audit.list_audit_records import AuditPage
from core.audit.ports import AuditFilter, AuditWord
from core.kernel.period import Moment
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.problems import problems
from entrypoints.http.query_parameters import DEFAULT_LIMIT, Limit, period


@get("/v1/audit-records", operation_id="listAuditRecords", tags=("Audit",), responses=problems(400, 404, 422, 503))
async def list_audit_records(
    use_cases: Wired[UseCases],
    actor: Annotated[AuditWord | None, QueryParameter(description="Who did it: `user:alice`")] = None,
    action: Annotated[AuditWord | None, QueryParameter(description="What was done: `publish-fee-schedule`")] = None,
    target: Annotated[AuditWord | None, QueryParameter(description="To what: `fee-schedule/neet-ug-2027`")] = None,
    outcome: Annotated[AuditWord | None, QueryParameter(description="`done`, or a problem: `not-permitted`")] = None,
    since: Annotated[Moment | None, QueryParameter(name="from", description="At this moment or later")] = None,
    until: Annotated[Moment | None, QueryParameter(name="to", description="Before this moment")] = None,
    after: Annotated[UUID | None, QueryParameter(description="`next` of the previous page")] = None,
    limit: Limit = DEFAULT_LIMIT,
) -> AuditPage:
    """List who did what to what, and what was refused, the newest first."""
    which = AuditFilter(actor=actor, action=action, target=target, outcome=outcome, during=period(since, until))
    return await use_cases.audit.list_audit_records(which, after, limit)

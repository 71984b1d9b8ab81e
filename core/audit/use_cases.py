"""What the audit context can do."""

from dataclasses import dataclass

from core.audit.list_audit_records import ListAuditRecords
from core.audit.seal_audit_records import SealAuditRecords
from core.audit.verify_audit_chain import VerifyAuditChain


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditUseCases:
    """The audit records and their chain."""

    list_audit_records: ListAuditRecords
    seal_audit_records: SealAuditRecords
    verify_audit_chain: VerifyAuditChain

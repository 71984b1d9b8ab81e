"""Every job of the scheduler: what it does, how often, and what a missed run means."""

from datetime import timedelta

from core.jobs.job import Job, Missed, UnknownJob
from core.use_cases import UseCases

SEALING = "audit_records_sealed"
MINUTE = timedelta(minutes=1)
MANY_POSTINGS = 500
"""After a run that added up so many, the next one follows soon: every balance of their account adds up the rest."""


def seconds(count: float) -> timedelta:
    """Return a time in seconds."""
    return timedelta(seconds=count)


JOBS: tuple[Job[UseCases], ...] = (
    Job(
        "old_records_purged", "Deletes records whose retention period has ended.",
        10 * MINUTE, Missed.CATCH_UP, 10 * MINUTE, lambda use: use.messaging.purge_expired_records(),
    ),
    Job(
        "holds_expired", "Gives stock back that was held for payments which did not come.",
        seconds(20), Missed.CATCH_UP, 5 * MINUTE, lambda use: use.inventory.expire_holds(),
    ),
    Job(
        "backorders_served", "Allocates stock that came in to the orders that wait for it.",
        seconds(20), Missed.CATCH_UP, 5 * MINUTE, lambda use: use.inventory.serve_backorders(),
    ),
    Job(
        "deliveries_reconciled", "Asks vendors about deliveries whose outcome is unknown.",
        seconds(30), Missed.ONCE, 5 * MINUTE, lambda use: use.dispatch.reconcile_deliveries(),
    ),
    Job(
        "postings_added_up", "Adds postings up to daily sums, so that balances read few rows.",
        seconds(10), Missed.CATCH_UP, 5 * MINUTE, lambda use: use.ledger.add_up_postings(), MANY_POSTINGS,
    ),
    Job(
        "gateways_checked", "Asks gateways about orders and refunds whose outcome is unknown.",
        seconds(10), Missed.ONCE, 5 * MINUTE, lambda use: use.payments.check_gateways(),
    ),
    Job(
        "payers_reminded", "Tells who is to be reminded of a payment, each reason once for a fee.",
        MINUTE, Missed.ONCE, 10 * MINUTE, lambda use: use.payments.remind_payers(),
    ),
    Job(
        "overdue_fees_fined", "Charges the fines that became due, each rule once a day.",
        MINUTE, Missed.CATCH_UP, 10 * MINUTE, lambda use: use.payments.fine_overdue_fees(),
    ),
    Job(
        "submissions_repriced", "Prices the fees of a corrected schedule again.",
        seconds(10), Missed.CATCH_UP, 5 * MINUTE, lambda use: use.fees.reprice_submissions(), 1,
    ),
    Job(
        SEALING, "Seals audit records, and publishes the head of their chain.",
        seconds(15), Missed.CATCH_UP, 5 * MINUTE, lambda use: use.audit.seal_audit_records(),
    ),
)  # fmt: skip
NAMES = tuple(each.name for each in JOBS)


def job_named(name: str) -> Job[UseCases]:
    """Return a job; raise `UnknownJob`, which tells the known names."""
    for each in JOBS:
        if each.name == name:
            return each
    raise UnknownJob(f"there is no job {name[:64]!r}; there are {', '.join(NAMES)}")

"""What each context offers to HTTP and to the command line: a list that a new context joins.

A transport is imported when its part is asked for: the command line does not load a web framework.
"""

from typing import Any

from entrypoints.cli.runtime import OpenRuntime


def create_bursar(open_runtime: OpenRuntime) -> Any:
    """Return the command `bursar` with the commands of every context."""
    from entrypoints.cli.app import Group, create_cli
    from entrypoints.cli.fees import exam_fees
    from entrypoints.cli.notifications import vendors
    from entrypoints.cli.operations import administration, backups, demo, replay_events, serve, support_bundle, top
    from entrypoints.cli.payments import clearance
    from entrypoints.cli.students import erase_student

    stock = ("inventory.stock_commands", "inventory.stock_views")
    operators = (administration, top, support_bundle, backups)
    return create_cli(
        open_runtime,
        commands=(serve, demo, *operators, vendors, replay_events, exam_fees, clearance, erase_student),
        groups=(
            Group(
                "accounts",
                "Persons and programs, and what they may do.",
                ("identity.accounts", "identity.passwords", "identity.second_factors"),
            ),
            Group("api-keys", "Credentials of programs.", ("identity.api_keys",)),
            Group("deliveries", "Messages to candidates, and what became of them.", ("notifications.deliveries",)),
            Group("dead-letters", "Messages that could not be processed.", ("operations.dead_letters",)),
            Group(
                "pay",
                "Payments at the counter or at a gateway, and what was paid.",
                ("payments.pay_at_counter", "payments.pay_online"),
            ),
            Group("counter", "Payments that clerks have taken, and decisions about them.", ("payments.counter",)),
            Group("refund", "Payments that are given back.", ("payments.refunds",)),
            Group(
                "ledger",
                "What is owed, and the proof that balances agree with their postings.",
                ("ledger.ledger", "ledger.reports"),
            ),
            Group("dues", "What the candidates of a schedule owe, as of any day.", ("payments.dues",)),
            Group("waive", "Waivers: one person asks, another one decides.", ("payments.waivers",)),
            Group(
                "reprice", "Fees of older versions of a schedule, priced again by its newest one.", ("fees.repricings",)
            ),
            Group(
                "adjust",
                "What a corrected schedule changes: demands and refunds to decide about.",
                ("payments.adjustments",),
            ),
            Group("receipt", "Receipts: their facts, their paper, and which are void.", ("receipts.receipts",)),
            Group("audit", "Who did what, and the proof that no record of it was changed.", ("audit.audit",)),
            Group("processes", "The processes that the registry lists.", ("operations.processes",)),
            Group("jobs", "What the scheduler does at an interval, and its last runs.", ("jobs.jobs",)),
            Group("projections", "Views that are kept up to date by events.", ("operations.projections",)),
            Group("keys", "The keys that sign access tokens.", ("identity.keys",)),
            Group("encryption", "The keys of personal data.", ("operations.encryption",)),
            Group(
                "import",
                "Load students, fee schedules or settlement files.",
                ("students.import_roster", "fees.import_schedules", "settlements.import_settlement"),
            ),
            Group("settlements", "What settlement files and the office tell differently.", ("settlements.exceptions",)),
            Group("inventory", "Batches, allocations and what is available.", stock),
            Group("stores", "The older name of `bursar inventory`.", stock, hidden=True),
        ),
    )


def http_handlers() -> tuple[Any, ...]:
    """Return the handlers of the HTTP API."""
    from entrypoints.http.audit.audit_records import list_audit_records
    from entrypoints.http.fees.exam_fee_batch import submit_rows
    from entrypoints.http.fees.exam_fees import ExamFeesController
    from entrypoints.http.fees.fee_schedules import FeeSchedulesController
    from entrypoints.http.fees.repricings import RepricingsController
    from entrypoints.http.fees.timelines import follow_timeline
    from entrypoints.http.graphql.endpoint import query
    from entrypoints.http.identity.accounts import AccountsController
    from entrypoints.http.identity.api_keys import ApiKeysController
    from entrypoints.http.identity.codes import CodesController
    from entrypoints.http.identity.passwords import PasswordsController, public_keys
    from entrypoints.http.identity.principal import show_principal, show_principal_of_request
    from entrypoints.http.identity.providers import ProvidersController
    from entrypoints.http.identity.second_factors import SecondFactorsController
    from entrypoints.http.identity.sessions import SessionsController
    from entrypoints.http.inventory.stock_commands import AllocationsController, BatchesController, ship
    from entrypoints.http.inventory.stock_views import AvailabilityController
    from entrypoints.http.ledger.ledger import LedgerController
    from entrypoints.http.ledger.reports import LedgerReportsController
    from entrypoints.http.notifications.deliveries import DeliveriesController
    from entrypoints.http.notifications.vendors import VendorsController
    from entrypoints.http.operations.dead_letters import DeadLettersController
    from entrypoints.http.operations.health import OperationsController
    from entrypoints.http.payments.adjustments import AdjustmentsController
    from entrypoints.http.payments.clearance import ClearanceController
    from entrypoints.http.payments.counter import CounterController
    from entrypoints.http.payments.dues import DuesController
    from entrypoints.http.payments.payer_pages import SandboxController, returned
    from entrypoints.http.payments.payments import PaymentsController
    from entrypoints.http.payments.refunds import RefundsController
    from entrypoints.http.payments.waivers import WaiversController
    from entrypoints.http.receipts.receipts import ReceiptsController
    from entrypoints.http.settlements.exceptions import SettlementExceptionsController
    from entrypoints.http.settlements.settlement_files import import_settlement
    from entrypoints.http.students.students import StudentsController

    return (
        query,
        ExamFeesController,
        submit_rows,
        FeeSchedulesController,
        RepricingsController,
        follow_timeline,
        StudentsController,
        DeadLettersController,
        DeliveriesController,
        OperationsController,
        BatchesController,
        AllocationsController,
        ship,
        AvailabilityController,
        VendorsController,
        SessionsController,
        SecondFactorsController,
        AccountsController,
        ApiKeysController,
        CodesController,
        ProvidersController,
        PasswordsController,
        public_keys,
        show_principal,
        show_principal_of_request,
        LedgerController,
        LedgerReportsController,
        ReceiptsController,
        PaymentsController,
        SandboxController,
        returned,
        ClearanceController,
        DuesController,
        WaiversController,
        AdjustmentsController,
        CounterController,
        RefundsController,
        SettlementExceptionsController,
        import_settlement,
        list_audit_records,
    )

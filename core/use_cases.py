"""The use cases of the application: the only entry from a driving adapter into the core."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Self

from core.audit.use_cases import AuditUseCases
from core.fees.use_cases import FeesUseCases
from core.identity.use_cases import IdentityUseCases
from core.inventory.use_cases import InventoryUseCases
from core.jobs.use_cases import JobsUseCases
from core.kernel.unit_of_work import Transaction
from core.kernel.use_cases import joining
from core.ledger.use_cases import LedgerUseCases
from core.messaging.routing import RoutedUseCases
from core.messaging.use_cases import MessagingUseCases
from core.notifications.use_cases import DispatchUseCases, NotificationsUseCases
from core.payments.use_cases import PaymentsUseCases
from core.receipts.use_cases import ReceiptsUseCases
from core.settlements.use_cases import SettlementsUseCases
from core.students.use_cases import StudentsUseCases


class UseCases(RoutedUseCases):
    """The use cases by context; a context is wired when it is first used."""

    def __init__(
        self,
        *,
        identity: Callable[[], IdentityUseCases],
        students: Callable[[], StudentsUseCases],
        fees: Callable[[], FeesUseCases],
        notifications: Callable[[], NotificationsUseCases],
        dispatch: Callable[[], DispatchUseCases],
        inventory: Callable[[], InventoryUseCases],
        ledger: Callable[[], LedgerUseCases],
        payments: Callable[[], PaymentsUseCases],
        receipts: Callable[[], ReceiptsUseCases],
        settlements: Callable[[], SettlementsUseCases],
        messaging: Callable[[], MessagingUseCases],
        audit: Callable[[], AuditUseCases],
        jobs: Callable[[], JobsUseCases],
    ) -> None:
        self._identity, self._students = identity, students
        self._fees, self._notifications = fees, notifications
        self._dispatch, self._inventory, self._messaging = dispatch, inventory, messaging
        self._audit, self._ledger, self._jobs = audit, ledger, jobs
        self._payments, self._receipts, self._settlements = payments, receipts, settlements

    @cached_property
    def identity(self) -> IdentityUseCases:
        """Return the use cases of accounts and their credentials."""
        return self._identity()

    @cached_property
    def students(self) -> StudentsUseCases:
        """Return the use cases of the roster."""
        return self._students()

    @cached_property
    def fees(self) -> FeesUseCases:
        """Return the use cases of schedules and submissions."""
        return self._fees()

    @cached_property
    def notifications(self) -> NotificationsUseCases:
        """Return the use cases of notices and deliveries."""
        return self._notifications()

    @cached_property
    def dispatch(self) -> DispatchUseCases:
        """Return the use cases that call vendors."""
        return self._dispatch()

    @cached_property
    def inventory(self) -> InventoryUseCases:
        """Return the use cases of stock."""
        return self._inventory()

    @cached_property
    def ledger(self) -> LedgerUseCases:
        """Return the use cases of the ledger."""
        return self._ledger()

    @cached_property
    def payments(self) -> PaymentsUseCases:
        """Return the use cases of orders, payments and refunds."""
        return self._payments()

    @cached_property
    def receipts(self) -> ReceiptsUseCases:
        """Return the use cases of receipts."""
        return self._receipts()

    @cached_property
    def settlements(self) -> SettlementsUseCases:
        """Return the use cases of settlement files."""
        return self._settlements()

    @cached_property
    def messaging(self) -> MessagingUseCases:
        """Return the use cases of dead letters, replays and projections."""
        return self._messaging()

    @cached_property
    def audit(self) -> AuditUseCases:
        """Return the use cases of audit records."""
        return self._audit()

    @cached_property
    def jobs(self) -> JobsUseCases:
        """Return the use cases of background jobs."""
        return self._jobs()

    def within(self, transaction: Transaction) -> Self:
        """Return use cases whose units of work are parts of an open transaction."""
        return type(self)(
            identity=lambda: joining(self.identity, transaction),
            students=lambda: joining(self.students, transaction),
            fees=lambda: joining(self.fees, transaction),
            notifications=lambda: joining(self.notifications, transaction),
            dispatch=lambda: self.dispatch,
            inventory=lambda: joining(self.inventory, transaction),
            ledger=lambda: joining(self.ledger, transaction),
            payments=lambda: joining(self.payments, transaction),
            receipts=lambda: joining(self.receipts, transaction),
            settlements=lambda: joining(self.settlements, transaction),
            messaging=lambda: joining(self.messaging, transaction),
            audit=lambda: joining(self.audit, transaction),
            jobs=lambda: joining(self.jobs, transaction),
        )

    def without_sending(self) -> Self:
        """Return use cases that record new notices as suppressed instead of sending them."""
        quiet = replace(self.notifications.send_notice, send=False)
        return type(self)(
            identity=lambda: self.identity,
            students=lambda: self.students,
            fees=lambda: self.fees,
            notifications=lambda: replace(self.notifications, send_notice=quiet),
            dispatch=lambda: self.dispatch,
            inventory=lambda: self.inventory,
            ledger=lambda: self.ledger,
            payments=lambda: self.payments,
            receipts=lambda: self.receipts,
            settlements=lambda: self.settlements,
            messaging=lambda: self.messaging,
            audit=lambda: self.audit,
            jobs=lambda: self.jobs,
        )

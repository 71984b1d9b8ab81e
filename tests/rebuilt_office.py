"""An office that takes random commands, and whose derived tables can be dumped, deleted and rebuilt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from config.container import Application
from core.fees.submission import Submission
from core.inventory.order_line import AllocationDemand, AllocationRequest
from core.kernel.errors import CoreError
from core.kernel.money import Money
from core.kernel.pace import Pace
from core.messaging.rebuild_report import RebuildReport
from core.messaging.verify_projection import ProjectionVerification
from core.payments.errors import NotRefundable
from core.payments.payment import Refund, RefundCause, RefundStage
from core.settlements.settlement_line import SettlementPosted
from tests.contract.test_fee_accounts import a_payment, take
from tests.contract.test_repricings import CODE, Office
from tests.examples import NOON, a_schedule, ids, publish
from tests.inventory_harness import KIT, InventoryHarness, quiet
from tests.units_of_work import any_work

NAMES = ("inventory", "ledger", "submissions")
TABLES: Mapping[str, Sequence[str]] = {
    "inventory": ("line_views", "batch_views", "sku_views"),
    "ledger": ("ledger_transactions", "postings", "daily_sums", "unsummed_postings"),
    "submissions": ("submissions",),
}
"""The derived tables by projection."""
MEMORY_TABLES = ("line_views", "batch_views", "sku_views", "ledger_transactions", "submissions", "submitted")
Dump = Mapping[str, Sequence[Any]]


@dataclass
class RebuiltOffice:
    """Commands are chosen by a random generator, so that a seed names a history."""

    stored: Application
    fees: list[UUID] = field(default_factory=list)
    payments: int = 0

    def __post_init__(self) -> None:
        self.office, self.stock = Office(self.stored), InventoryHarness(self.stored)

    async def live(self, random: Random, commands: int) -> None:
        """Run commands; those that the office refuses change nothing."""
        await publish(self.stored, a_schedule(CODE))
        await self._submit(random)
        await self.stock.buy("B-0", 5)
        for _ in range(commands):
            act = random.choice([self._submit, self._pay, self._pay, self._give_back, self._settle, *[self._stock] * 3])
            try:
                await act(random)
            except CoreError:
                continue
        await self.settle_down()

    async def settle_down(self) -> None:
        """Deliver every event and add up every posting."""
        await self.office.deliver()
        while await self.stored.use_cases().ledger.add_up_postings():
            pass

    async def _submit(self, random: Random) -> None:
        self.fees.append(await self.office.submit(len(self.fees) + 1, centre=random.choice(["PUN-01", "MUM-02"])))

    async def _pay(self, random: Random) -> None:
        self.payments += 1
        payment = a_payment(random.choice([1, 20_000, 50_000, 70_000]), f"pay-{self.payments}")
        await take(self.stored, random.choice(self.fees), payment)

    async def _give_back(self, random: Random) -> None:
        async with self.stored.payments.new_work() as work:
            [account] = (await work.accounts.lock([random.choice(self.fees)])).values()
            if not account.payments:
                raise NotRefundable("there is no payment")
            paid = random.choice(account.payments)
            known = random.choice([*paid.refunds, self._refund(paid.refundable, random)])
            account.record_refund(paid, known, random.choice(list(RefundStage)), NOON)
            work.accounts.save(account)
            work.record(*account.events)
            await work.commit()

    def _refund(self, most: Money, random: Random) -> Refund:
        amount = Money(max(1, most.minor // random.choice([1, 2])), most.currency)
        cause = random.choice(list(RefundCause))
        return Refund(
            id=ids.new(),
            amount=amount,
            cause=cause,
            reason="",
            stage=RefundStage.RESERVED,
            reserved_at=NOON,
            check_at=None,
        )

    async def _settle(self, random: Random) -> None:
        gross = Money(random.choice([0, 40_000]), "INR")
        told = {"gateway": "sandbox", "bank": "main", "settlement": "s", "gross": gross, "lines": 1, "settled_at": NOON}
        fees = Money(random.choice([0, 300]), "INR")
        async with any_work(self.stored) as work:
            work.record(SettlementPosted(at=NOON, subject=ids.new(), version=1, fees=fees, **told))
            await work.commit()

    async def _stock(self, random: Random) -> None:
        order = f"order-{random.randint(1, 5)}"
        match random.randint(0, 4):
            case 0:
                await self.stock.buy(f"B-{random.randint(1, 9)}", random.randint(1, 6))
            case 1 | 2:
                demand = AllocationDemand(
                    order=order, sku=KIT, quantity=random.randint(1, 3), wait=random.random() < 0.5
                )
                await self.stored.use_cases().inventory.allocate_lines([AllocationRequest(demand, self.stock.request)])
            case 3:
                await self.stock.deallocate(order)
            case _:
                await self.stored.use_cases().inventory.ship_order(order, None)

    async def dump(self) -> Dump:
        """Return every row of the derived tables as it is stored, without the number of the live generation."""
        database = self.stored.storage.database()
        if isinstance(database, MemoryDatabase):
            return {name: sorted(map(repr, plain(getattr(database, name)))) for name in MEMORY_TABLES}
        found = {}
        async with database.reading() as connection:
            for name in [table for tables in TABLES.values() for table in tables]:
                result = await connection.exec_driver_sql(f"SELECT * FROM {name}")
                kept = [index for index, column in enumerate(result.keys()) if column not in ("generation", "position")]
                found[name] = sorted(repr([row[index] for index in kept]) for row in result)
        return found

    async def delete_derived(self, *names: str) -> None:
        """Delete all rows of the derived tables, as no account of the service could."""
        database = self.stored.storage.database()
        if isinstance(database, MemoryDatabase):
            for name in MEMORY_TABLES:
                getattr(database, name).clear()
            return
        async with database.writing() as connection:
            for table in [table for name in names or NAMES for table in TABLES[name]]:
                await connection.exec_driver_sql(f"DELETE FROM {table}")
            await connection.commit()

    async def rebuild(self, name: str, pace: Pace | None = None) -> RebuildReport:
        report = await self.stored.use_cases().messaging.rebuild_projection(name, pace or Pace(), quiet)
        assert report is not None
        return report

    async def rebuild_all(self) -> None:
        for name in NAMES:
            await self.rebuild(name)

    async def verify(self, name: str) -> ProjectionVerification:
        found = await self.stored.use_cases().messaging.verify_projection(name, Pace(), quiet)
        assert found is not None
        return found


def plain(table: Mapping[Any, Any]) -> Sequence[Any]:
    """Return the rows of a table of the memory database, without generations, and as the roster names no student."""
    return [
        (
            key[1:] if isinstance(key, tuple) and isinstance(key[0], int) else key,
            replace(value, registration="") if isinstance(value, Submission) else value,
        )
        for key, value in table.items()
    ]

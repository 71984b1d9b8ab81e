"""A state machine that runs random commands on the inventory and a naive model, and compares both after each step."""

import os
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import date, timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.inventory.order_line import AllocationDemand, AllocationRequest, OrderLine
from core.inventory.sku import Sku
from core.kernel.errors import CoreError
from tests.examples import NOON
from tests.unit.inventory.harness import TODAY, InventoryHarness, a_request, taken
from tests.unit.inventory.naive_inventory import NaiveInventory, NaiveLine

Run = Callable[[Coroutine[Any, Any, Any]], Any]

EXTRA_SEQUENCES = int(os.environ.get("BURSAR_TEST_SEQUENCES", "0"))
"""The number of sequences of each kind; 0: the default of the test."""

skus = some.sampled_from("AAAB")
refs, orders = some.integers(1, 3).map("b{}".format), some.integers(1, 4).map("o{}".format)
etas = some.sampled_from([None, None, -1, 1, 2]).map(lambda days: days and TODAY + timedelta(days=days))
hours = some.sampled_from([None, None, None, -1, 1, 2])
quantities = some.sampled_from([1, 2, 3, 5])
demands = some.fixed_dictionaries(
    {
        "order": orders,
        "sku": skus,
        "quantity": quantities,
        "split": some.booleans(),
        "wait": some.booleans(),
        "priority": some.sampled_from([0, 5, 9]),
        "hold": hours,
        "once": some.integers(0, 7).map((7).__eq__),
    }
)


class Conservation(RuleBasedStateMachine):
    """Each purchased piece is available or allocated after any sequence of commands."""

    paged = False
    """Whether backorders are served in pages, so that the scheduled use cases serve the rest."""

    def __init__(self, inventory: InventoryHarness, run: Run, prefix: str = "") -> None:
        super().__init__()
        self.inventory, self.run, self.prefix, self.naive = inventory, run, prefix, NaiveInventory()
        self.inventory.clock.moment = NOON
        self.versions, self.alarms = Counter[str](), Counter[str]()
        self.told: dict[str, dict[str, Any]] = {}
        """The state of each batch and line in its last event."""

    @initialize(quantity=some.integers(1, 10), eta=etas, group=some.lists(demands, min_size=2, max_size=5))
    def begin(self, quantity: int, eta: date | None, group: list[dict[str, Any]]) -> None:
        self.buy("b1", "A", quantity, eta)
        self.buy("b2", "A", 3, TODAY)
        self.ask(group)

    @rule(ref=refs, sku=skus, quantity=some.integers(1, 10), eta=etas)
    def buy(self, ref: str, sku: str, quantity: int, eta: date | None) -> None:
        ref, sku = self.prefix + ref, self.prefix + sku
        self.both(self.inventory.buy(ref, quantity, eta, sku), self.naive.buy(ref, sku, quantity, eta, TODAY))

    @rule(group=some.lists(demands, min_size=1, max_size=3))
    def ask(self, group: list[dict[str, Any]]) -> None:
        now, asked, expected = self.inventory.clock.now(), [], []
        for each in group:
            hold, order, sku = each["hold"], self.prefix + each["order"], self.prefix + each["sku"]
            until = None if hold is None else now + timedelta(hours=hold)
            fields = {name: value for name, value in each.items() if name not in ("hold", "once")} | {
                "order": order,
                "sku": sku,
            }
            demand = AllocationDemand(**fields, hold_until=until)
            asked.append(AllocationRequest(demand, a_request(now), once=each["once"]))
            want = NaiveLine(order, sku, each["quantity"], each["split"], each["priority"], until)
            expected.append(self.naive.ask(want, now, wait=each["wait"], once=each["once"]))
        outcomes = self.run(self.inventory.allocate(asked))
        assert [type(each).__name__ if isinstance(each, CoreError) else "" for each in outcomes] == expected

    @rule(ref=refs, quantity=some.integers(0, 12))
    def change_quantity(self, ref: str, quantity: int) -> None:
        ref = self.prefix + ref
        self.both(self.inventory.change_quantity(ref, quantity), self.naive.change_quantity(ref, quantity))

    @rule(ref=refs, eta=etas)
    def change_arrival(self, ref: str, eta: date | None) -> None:
        ref = self.prefix + ref
        changed = self.inventory.change_arrival(ref, eta, a_request())
        self.both(changed, self.naive.change_arrival(ref, eta, TODAY))

    @rule(order=orders, sku=skus)
    def deallocate(self, order: str, sku: str) -> None:
        order, sku = self.prefix + order, self.prefix + sku
        self.both(self.inventory.deallocate_line(order, sku), self.naive.deallocate(order, sku))

    @rule(order=orders)
    def cancel(self, order: str) -> None:
        self.both(self.inventory.cancel(self.prefix + order), self.naive.cancel(self.prefix + order))

    @rule(order=orders, sku=some.none() | skus)
    def ship(self, order: str, sku: str | None) -> None:
        order, sku = self.prefix + order, sku and self.prefix + sku
        self.both(self.inventory.ship(order, sku), self.naive.ship(order, sku or ""))

    @rule(passing=some.integers(1, 3), expiring=some.booleans())
    def pass_time(self, passing: int, *, expiring: bool) -> None:
        self.inventory.clock.pass_by(timedelta(hours=passing))
        if expiring:
            self.run(self.inventory.expire_holds())
            self.run(self.inventory.serve_backorders())
            self.naive.expire_and_serve(self.inventory.clock.now())

    def both(self, act: Coroutine[Any, Any, Any], expected: str) -> None:
        try:
            self.run(act)
        except CoreError as refusal:
            assert type(refusal).__name__ == expected
        else:
            assert expected == ""

    @invariant()
    def they_agree(self) -> None:
        if self.paged:
            self.pass_time(0, expiring=True)
        self.listen()
        skus, lines = self.run(self.inventory.stored(self.naive.known, {want.order for want in self.naive.lines}))
        assert skus.keys() == self.naive.known
        for sku in skus.values():
            self.compare_sku(sku)
        latest = {(want.order, want.sku): want for want in self.naive.lines}
        assert {(line.order, line.sku) for line in lines} == latest.keys()
        for line in lines:
            self.compare_line(line, latest[line.order, line.sku])

    def listen(self) -> None:
        for event in self.run(self.inventory.announced_since()):
            if event.sku.startswith(self.prefix):
                assert event.version == self.versions[event.sku] + 1
                self.versions[event.sku] += 1
                self.alarms[event.sku] += event.type == "OutOfStock"
                for batch in event.body.get("batches", [event.body["batch"]] if "batch" in event.body else []):
                    assert batch["shipped"] <= batch["allocated"] <= batch["purchased"]
                    self.told[f"{event.sku} {batch['reference']}"] = batch
                if line := event.body.get("line"):
                    assert line["version"] == event.version
                    self.told[f"{event.sku} {line['order']}"] = line

    def compare_sku(self, sku: Sku) -> None:
        name, naive = sku.name, self.naive
        waiting = [want for want in naive.lines if want.sku == name and want.state == "waiting"]
        assert sku.version == self.versions[name]
        assert (sku.waiting, sku.unserved) == (len(waiting), False)
        assert self.paged or (sku.short, self.alarms[name]) == (name in naive.short, naive.alarms[name])
        alive = {piece.batch for piece in naive.stock if not piece.gone}
        assert sku.stock.batches.keys() == alive & {batch for batch, of in naive.bought if of == name}
        for reference, batch in sku.stock.batches.items():
            pieces = [piece for piece in naive.stock if piece.batch == reference]
            owned, gone = sum(bool(piece.owner) for piece in pieces), sum(piece.gone for piece in pieces)
            assert (batch.purchased, batch.allocated, batch.shipped) == (len(pieces), owned, gone)
            assert batch.available == len(pieces) - owned
            assert batch.eta == naive.arrivals[reference]
            assert as_told(batch) == self.told[f"{name} {reference}"]
        free = [batch.available for batch in sku.stock.batches.values()]
        for want in waiting:
            assert max(free, default=0) < want.quantity
            assert not want.split or sum(free) < want.quantity

    def compare_line(self, line: OrderLine, want: NaiveLine) -> None:
        pieces = [piece.batch for piece in self.naive.stock if piece.owner is want]
        assert (line.state, line.quantity, line.hold_until) == (want.state, want.quantity, want.until)
        assert taken(line) == Counter(pieces)
        assert len(pieces) == (want.quantity if want.state in ("allocated", "shipped") else 0)
        assert as_told(line) == self.told[f"{line.sku} {line.order}"]


def as_told(what: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(what))


def sequences(few: int, **more: Any) -> settings:
    """Return settings for `few` sequences, or for the number in the environment."""
    phases = [phase for phase in Phase if phase is not Phase.explain]  # explaining takes minutes
    given: dict[str, Any] = {"stateful_step_count": 30, "deadline": None, "suppress_health_check": list(HealthCheck)}
    return settings(max_examples=EXTRA_SEQUENCES or few, phases=phases, **(given | more))

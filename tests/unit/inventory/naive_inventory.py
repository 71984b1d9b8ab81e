"""The stores as somebody would keep them who has all day: a shelf of single pieces, and a list of who wants some."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(eq=False)
class NaiveUnit:
    batch: str
    owner: "Want | None" = None
    gone: bool = False


@dataclass(eq=False)
class Want:
    order: str
    sku: str
    quantity: int
    split: bool
    priority: int
    until: datetime | None
    state: str = "waiting"


@dataclass
class NaiveInventory:
    """Each method returns the name of what is wrong, or ''."""

    stock: list[NaiveUnit] = field(default_factory=list)
    wants: list[Want] = field(default_factory=list)
    """Everything anybody ever asked for, the oldest first."""
    bought: list[tuple[str, str]] = field(default_factory=list)
    """Batch and sku, in the order in which they were announced."""
    arrivals: dict[str, date | None] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    short: set[str] = field(default_factory=set)
    alarms: Counter[str] = field(default_factory=Counter)

    def buy(self, batch: str, sku: str, quantity: int, eta: date | None, today: date) -> str:
        if eta and eta < today:
            return "ArrivalInThePast"
        if batch in self.arrivals:
            return "BatchAlreadyCreated"
        self.bought.append((batch, sku))
        self.arrivals[batch] = eta
        self.stock += [NaiveUnit(batch) for _ in range(quantity)]
        self.known.add(sku)
        self.short.discard(sku)
        self.serve()
        return ""

    def ask(self, want: Want, now: datetime, *, wait: bool, once: bool) -> str:
        before = [each for each in self.wants if (each.order, each.sku) == (want.order, want.sku)]
        if before and once:
            return ""
        late = want.until is not None and want.until <= now
        for known in before:
            if is_open_line(known):
                if known.quantity != want.quantity:
                    return "LineAlreadyAllocated"
                if known.until != want.until and known.state != "shipped":
                    if late:
                        return "HoldInThePast"
                    known.until = want.until
                return ""
        if want.sku not in self.known and not wait:
            return "UnknownSku"
        if late:
            return "HoldInThePast"
        self.known.add(want.sku)
        if self.allocate(want):
            self.wants.append(want)
            return ""
        self.announce_shortage(want.sku)
        if wait:
            self.wants.append(want)
        return "" if wait else "OutOfStock"

    def change_quantity(self, batch: str, quantity: int) -> str:
        if batch not in self.arrivals:
            return "UnknownBatch"
        mine = [piece for piece in self.stock if piece.batch == batch]
        if sum(piece.gone for piece in mine) > quantity:
            return "QuantityBelowShipped"
        if quantity > len(mine):
            self.short.discard(self.sku_of(batch))
            self.stock += [NaiveUnit(batch) for _ in range(quantity - len(mine))]
        losers = []
        while sum(piece.owner is not None for piece in mine) > quantity:
            owners = [piece.owner for piece in mine if piece.owner and not piece.gone]
            last = max(owners, key=lambda want: (want.priority, self.wants.index(want)))
            self.free(last, "waiting")
            losers.append(last)
        for _ in range(len(mine) - quantity):
            self.stock.remove(next(piece for piece in self.stock if piece.batch == batch and piece.owner is None))
        self.serve()
        if any(want.state == "waiting" for want in losers):
            self.announce_shortage(losers[0].sku)
        return ""

    def change_arrival(self, batch: str, eta: date | None, today: date) -> str:
        if eta and eta < today:
            return "ArrivalInThePast"
        if batch not in self.arrivals:
            return "UnknownBatch"
        self.arrivals[batch] = eta
        return ""

    def deallocate(self, order: str, sku: str) -> str:
        if sku not in self.known:
            return "UnknownSku"
        return self.end(self.living(order, sku), "deallocated")

    def cancel(self, order: str) -> str:
        return self.end(self.living(order, ""), "cancelled")

    def ship(self, order: str, sku: str) -> str:
        mine = [want for want in self.living(order, sku) if sku or want.state != "shipped"]
        if not mine:
            return "UnknownOrderLine"
        if any(want.state == "shipped" for want in mine):
            return "AlreadyShipped"
        if any(want.state == "waiting" for want in mine):
            return "LineWaits"
        for want in mine:
            want.state, want.until = "shipped", None
            for piece in self.stock:
                piece.gone = piece.gone or piece.owner is want
        return ""

    def expire_and_serve(self, now: datetime) -> None:
        for want in self.wants:
            if is_open_line(want) and want.until and want.until <= now:
                self.free(want, "expired")
        self.serve()

    def serve(self) -> None:
        for want in self.wants:
            if want.state == "waiting":
                self.allocate(want)

    def allocate(self, want: Want) -> bool:
        batches = [batch for batch, sku in self.bought if sku == want.sku]
        batches.sort(key=lambda batch: self.arrivals[batch] or date(1, 1, 1))
        free = [[piece for piece in self.stock if piece.batch == batch and not piece.owner] for batch in batches]
        enough = [pieces for pieces in free if len(pieces) >= want.quantity]
        if want.split and sum(map(len, free)) >= want.quantity:
            enough.append([piece for pieces in free for piece in pieces])
        for piece in enough[0][: want.quantity] if enough else []:
            piece.owner, want.state = want, "allocated"
        return bool(enough)

    def free(self, want: Want, state: str) -> None:
        want.state = state
        want.until = want.until if state == "waiting" else None
        for piece in self.stock:
            if piece.owner is want:
                piece.owner = None

    def end(self, wants: list[Want], state: str) -> str:
        if not wants:
            return "UnknownOrderLine"
        if any(want.state == "shipped" for want in wants):
            return "AlreadyShipped"
        for want in wants:
            self.free(want, state)
        self.serve()
        return ""

    def living(self, order: str, sku: str) -> list[Want]:
        return [want for want in self.wants if want.order == order and sku in ("", want.sku) and is_open_line(want)]

    def announce_shortage(self, sku: str) -> None:
        self.alarms[sku] += sku not in self.short
        self.short.add(sku)

    def sku_of(self, batch: str) -> str:
        return dict(self.bought)[batch]


def is_open_line(want: Want) -> bool:
    return want.state in ("allocated", "waiting", "shipped")

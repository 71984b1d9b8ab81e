"""A naive model of the inventory: a list of single pieces and a list of demands, without any optimization."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(eq=False)
class NaiveUnit:
    batch: str
    owner: "NaiveLine | None" = None
    gone: bool = False


@dataclass(eq=False)
class NaiveLine:
    order: str
    sku: str
    quantity: int
    split: bool
    priority: int
    until: datetime | None
    state: str = "waiting"


@dataclass
class NaiveInventory:
    """Each method returns the name of the error that the command raises, or ''."""

    stock: list[NaiveUnit] = field(default_factory=list)
    lines: list[NaiveLine] = field(default_factory=list)
    """All demands, the oldest first."""
    bought: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of batch and sku in the order of creation."""
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

    def ask(self, line: NaiveLine, now: datetime, *, wait: bool, once: bool) -> str:
        before = [each for each in self.lines if (each.order, each.sku) == (line.order, line.sku)]
        if before and once:
            return ""
        late = line.until is not None and line.until <= now
        for known in before:
            if is_open_line(known):
                if known.quantity != line.quantity:
                    return "LineAlreadyAllocated"
                if line.until not in (None, known.until) and known.state != "shipped":
                    if late:
                        return "HoldInThePast"
                    known.until = line.until
                return ""
        if line.sku not in self.known and not wait:
            return "UnknownSku"
        if late:
            return "HoldInThePast"
        self.known.add(line.sku)
        if self.allocate(line):
            self.lines.append(line)
            return ""
        self.announce_shortage(line.sku)
        if wait:
            self.lines.append(line)
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
            last = max(owners, key=lambda line: (line.priority, self.lines.index(line)))
            self.free(last, "waiting")
            losers.append(last)
        for _ in range(len(mine) - quantity):
            self.stock.remove(next(piece for piece in self.stock if piece.batch == batch and piece.owner is None))
        self.serve()
        if any(line.state == "waiting" for line in losers):
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
        mine = [line for line in self.living(order, sku) if sku or line.state != "shipped"]
        if not mine:
            return "UnknownOrderLine"
        if any(line.state == "shipped" for line in mine):
            return "AlreadyShipped"
        if any(line.state == "waiting" for line in mine):
            return "LineWaits"
        for line in mine:
            line.state, line.until = "shipped", None
            for piece in self.stock:
                piece.gone = piece.gone or piece.owner is line
        return ""

    def expire_and_serve(self, now: datetime) -> None:
        for line in self.lines:
            if is_open_line(line) and line.until and line.until <= now:
                self.free(line, "expired")
        self.serve()

    def serve(self) -> None:
        for line in self.lines:
            if line.state == "waiting":
                self.allocate(line)

    def allocate(self, line: NaiveLine) -> bool:
        batches = [batch for batch, sku in self.bought if sku == line.sku]
        batches.sort(key=lambda batch: self.arrivals[batch] or date(1, 1, 1))
        free = [[piece for piece in self.stock if piece.batch == batch and not piece.owner] for batch in batches]
        enough = [pieces for pieces in free if len(pieces) >= line.quantity]
        if line.split and sum(map(len, free)) >= line.quantity:
            enough.append([piece for pieces in free for piece in pieces])
        for piece in enough[0][: line.quantity] if enough else []:
            piece.owner, line.state = line, "allocated"
        return bool(enough)

    def free(self, line: NaiveLine, state: str) -> None:
        line.state = state
        line.until = line.until if state == "waiting" else None
        for piece in self.stock:
            if piece.owner is line:
                piece.owner = None

    def end(self, lines: list[NaiveLine], state: str) -> str:
        if not lines:
            return "UnknownOrderLine"
        if any(line.state == "shipped" for line in lines):
            return "AlreadyShipped"
        for line in lines:
            self.free(line, state)
        self.serve()
        return ""

    def living(self, order: str, sku: str) -> list[NaiveLine]:
        return [line for line in self.lines if line.order == order and sku in ("", line.sku) and is_open_line(line)]

    def announce_shortage(self, sku: str) -> None:
        self.alarms[sku] += sku not in self.short
        self.short.add(sku)

    def sku_of(self, batch: str) -> str:
        return dict(self.bought)[batch]


def is_open_line(line: NaiveLine) -> bool:
    return line.state in ("allocated", "waiting", "shipped")

"""Judges the inventory by its rows: invariants that hold after any sequence of commands."""

from collections import Counter, defaultdict

from tests.chaos.facts import Facts
from tests.chaos.findings import Findings
from tests.chaos.judge_stock_events import judge_stock_events
from tests.chaos.judge_stock_replies import judge_stock_replies
from tests.chaos.stock import OPEN_STATES, STATES_WITH_ALLOCATION, Line, Stock
from tests.chaos.stock_clients import KIT


def judge_stock(facts: Facts, findings: Findings) -> None:
    """Find violations of the inventory's invariants."""
    judge_lines(facts.stock, findings)
    judge_batches(facts.stock, findings)
    judge_queue(facts.stock, findings)
    judge_kits(facts, findings)
    judge_stock_events(facts, findings)
    judge_stock_replies(facts, findings)


def judge_lines(stock: Stock, findings: Findings) -> None:
    """Check that each line exists once, and has all of its pieces or none."""
    for (order, sku), times in Counter((line.order, line.sku) for line in stock.lines).items():
        if times > 1:
            findings.add("stock_duplicates", f"{sku} of {order} is there {times} times")
    has = Counter[tuple[str, str]]()
    for piece in stock.pieces:
        has[piece.order, piece.sku] += piece.quantity
    for line in stock.lines:
        wanted, found = line.quantity * (line.state in STATES_WITH_ALLOCATION), has.pop((line.order, line.sku), 0)
        if found < wanted:
            findings.add("stock_lost", f"{name(line)} is {line.state}, and has {found} pieces")
        if found > wanted:
            findings.add("stock_not_conserved", f"{name(line)} is {line.state}, and has {found} pieces")
    for (order, sku), found in has.items():
        findings.add("stock_lost", f"{found} {sku} belong to a line of {order} that is not there")


def judge_batches(stock: Stock, findings: Findings) -> None:
    """Check that purchased pieces are available or belong to open lines, and that only pieces of lines were shipped."""
    state = {(line.order, line.sku): line.state for line in stock.lines}
    held: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for piece in stock.pieces:
        held[piece.batch][state.get((piece.order, piece.sku), "nowhere")] += piece.quantity
    for batch in stock.batches:
        theirs = held.pop(batch.reference, Counter())
        allocated = sum(theirs[each] for each in STATES_WITH_ALLOCATION)
        if batch.available < 0 or batch.purchased != batch.available + allocated:
            findings.add("stock_not_conserved", f"{batch}, and lines have {allocated} of it")
        if batch.shipped != theirs["shipped"]:
            findings.add("stock_not_conserved", f"{batch}, and lines that were shipped have {theirs['shipped']} of it")
    for reference, theirs in held.items():
        findings.add("stock_not_conserved", f"{theirs.total()} pieces are of {reference}, which was never purchased")


def judge_queue(stock: Stock, findings: Findings) -> None:
    """Check that no backorder waits for a quantity that is available."""
    left: defaultdict[str, list[int]] = defaultdict(lambda: [0])
    for batch in stock.batches:
        left[batch.sku].append(batch.available)
    for line in stock.lines:
        most = sum(left[line.sku]) if line.split else max(left[line.sku])
        if line.state == "waiting" and line.quantity <= most:
            findings.add("stock_idle", f"{name(line)} waits, and {most} are there")


def judge_kits(facts: Facts, findings: Findings) -> None:
    """Check that each fee has one allocated or backordered kit."""
    lines = {line.order: line for line in facts.stock.lines if line.sku == KIT}
    for _, reference, _ in facts.submissions:
        kit = lines.pop(reference, None)
        if kit is None or kit.quantity != 1 or kit.state not in OPEN_STATES:
            findings.add("stock_lost", f"{reference} has no kit: {kit}")
    for order in lines:
        findings.add("stock_duplicates", f"{order} has a kit, and there is no such fee")


def name(line: Line) -> str:
    """Return the name of a line in findings."""
    return f"{line.quantity} {line.sku} of {line.order}"

"""Judges the inventory by the replies to stock clients: each reply holds until a later command of the same client."""

from collections import defaultdict
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from tests.chaos.facts import Facts
from tests.chaos.findings import Findings
from tests.chaos.retrying_client import SOURCE
from tests.chaos.stock import OPEN_STATES, Stock
from tests.chaos.stock_reply_log import StockReply

UNENDED_STATES = {"allocated", "waiting"}
"""The states of a line that no command has ended."""
ENDS = {"CancelOrder": "cancelled", "Deallocate": "deallocated", "ShipOrder": "shipped"}
"""The final state of a line after the last command of its order, if any."""


def judge_stock_replies(facts: Facts, findings: Findings) -> None:
    """Compare each command with the rows."""
    refused = {
        UUID(msgspec.json.decode(event.body)["command"])
        for event in facts.events
        if event.type == "StockCommandRefused"
    }
    told = [(each, outcome(each, refused)) for each in facts.stock.told]
    judge_purchases(facts.stock, told, findings)
    judge_orders(facts.stock, told, findings)


def outcome(told: StockReply, refused: set[UUID]) -> str:
    """Return the outcome of a command; clients of the broker only receive refusals."""
    if told.outcome != "sent":
        return told.outcome
    return "refused" if uuid5(uuid5(NAMESPACE_URL, SOURCE), told.id) in refused else "done"


def judge_purchases(stock: Stock, told: list[tuple[StockReply, str]], findings: Findings) -> None:
    """Check that each purchased batch exists, in a quantity that a command set."""
    said: defaultdict[str, set[int]] = defaultdict(set)
    for each, became in told:
        if "reference" in each.body and became != "refused":
            said[each.body["reference"]].add(each.body["quantity"])
    batches = {batch.reference: batch for batch in stock.batches}
    for each, became in told:
        batch = batches.get(each.body.get("reference", ""))
        if each.kind == "CreateBatch" and became == "done" and (batch is None or batch.sku != each.body["sku"]):
            findings.add("stock_lost", f"{each.body} was bought, and there is {batch}")
    for batch in stock.batches:
        if batch.purchased not in said[batch.reference]:
            findings.add("stock_not_conserved", f"{batch}, and {said[batch.reference]} is what was said")


def judge_orders(stock: Stock, told: list[tuple[StockReply, str]], findings: Findings) -> None:
    """Check that a line has the state of its last command, and the batches of its reply unless these were changed."""
    state = {(line.order, line.sku): line.state for line in stock.lines}
    has: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for piece in stock.pieces:
        has[piece.order, piece.sku][piece.batch] = piece.quantity
    corrected = {
        each.body["reference"] for each, became in told if each.kind == "ChangeBatchQuantity" and became != "refused"
    }
    ends = {each.body["order"]: (each, became) for each, became in told if each.kind in ENDS}
    for each, became in told:
        if each.kind != "Allocate" or became == "unsure":
            continue
        key = each.body["order"], each.body["sku"]
        found, may = state.get(key, ""), expected(each, became, ends.get(key[0]))
        if found not in may:
            kind = "stock_duplicates" if became == "refused" else "stock_lost"
            findings.add(kind, f"{each} was {became}, and the line is {found or 'not there'}, not {' or '.join(may)}")
        elif found in OPEN_STATES and each.parts and has[key] != each.parts and corrected.isdisjoint(each.parts):
            findings.add("stock_lost", f"{each} was told {each.parts}, and it has {has[key]}")


def expected(line: StockReply, became: str, end: tuple[StockReply, str] | None) -> set[str]:
    """Return the possible states of a line; '' means that the line does not exist."""
    if became == "refused":
        return {""}
    if end is None or end[0].body.get("sku", line.body["sku"]) != line.body["sku"] or end[1] == "refused":
        return UNENDED_STATES
    after = ENDS[end[0].kind]
    return {after} if end[1] == "done" else UNENDED_STATES | {after}

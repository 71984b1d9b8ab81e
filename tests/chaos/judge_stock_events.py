"""Judges the inventory by its events: one event per change."""

from collections import Counter
from typing import Any

import msgspec

from tests.chaos.facts import Facts, StoredEvent
from tests.chaos.findings import Findings
from tests.chaos.stock import OPEN_STATES, STATES_WITH_ALLOCATION

CREATION_EVENT_TYPES = ("Allocated", "Queued")
CHANNELS = ("email", "sms")


def judge_stock_events(facts: Facts, findings: Findings) -> None:
    """Replay the history of each sku, and compare its end with the rows."""
    lines = {(line.order, line.sku): line for line in facts.stock.lines}
    for sku in facts.stock.skus:
        events = sorted((each for each in facts.events if each.aggregate == sku.id), key=lambda each: each.version)
        if (told := [event.version for event in events]) != list(range(1, sku.version + 1)):
            findings.add("stock_untold", f"{sku.name} is at version {sku.version}, the log has {told}")
        history = History(sku.name, findings)
        for event in events:
            history.read(event)
        for order, (state, version) in history.lines.items():
            line = lines.pop((order, sku.name), None)
            if line is None:
                findings.add("stock_lost", f"{sku.name} of {order} was told of, {state}, and is not there")
            elif (line.state, line.version) != (state, version):
                findings.add("stock_untold", f"{line}, and the last that was told of it is {state}, {version}")
    for line in lines.values():
        findings.add("stock_untold", f"{line}, and nothing was ever told of it")
    judge_notices(facts, findings)


class History:
    """The state of the lines of one sku, event by event."""

    def __init__(self, sku: str, findings: Findings) -> None:
        self._sku, self._findings = sku, findings
        self._short, self._born = False, set[str]()
        self.lines: dict[str, tuple[str, int]] = {}
        """By order: the state in the last event, and its version."""

    def read(self, event: StoredEvent) -> None:
        """Apply one event."""
        body = msgspec.json.decode(event.body)
        self._read_shortage(event.type, body)
        if line := body.get("line"):
            self._read_line(event.type, line)
            self.lines[line["order"]] = line["state"], event.version

    def _read_shortage(self, kind: str, body: dict[str, Any]) -> None:
        more = kind == "BatchQuantityChanged" and body["batch"]["purchased"] > body["before"]
        if kind == "OutOfStock" and self._short:
            self._findings.add("stock_duplicates", f"{self._sku} was told to be out of stock twice in one shortage")
        self._short = (self._short or kind == "OutOfStock") and not (more or kind == "BatchCreated")

    def _read_line(self, kind: str, line: dict[str, Any]) -> None:
        order, (before, _) = line["order"], self.lines.get(line["order"], ("", 0))
        if (
            kind in CREATION_EVENT_TYPES and before not in OPEN_STATES and order in self._born
        ):  # the clients request each line once
            self._findings.add("stock_duplicates", f"{self._sku} of {order} was {before}, and came back")
        if kind in CREATION_EVENT_TYPES and (
            before in STATES_WITH_ALLOCATION or (kind == "Queued" and before == "waiting")
        ):
            self._findings.add("stock_duplicates", f"{self._sku} of {order} was {before}, and got its pieces again")
        if kind not in CREATION_EVENT_TYPES and before not in OPEN_STATES:
            self._findings.add("stock_duplicates", f"{self._sku} of {order} was {before or 'nothing'}, then {kind}")
        self._born |= {order} if kind in CREATION_EVENT_TYPES else set()


def judge_notices(facts: Facts, findings: Findings) -> None:
    """Check that each shortage was notified once per channel."""
    heard = Counter((notice.event, notice.channel) for notice in facts.stock.notices)
    shortages = {event.id: event for event in facts.events if event.type == "OutOfStock"}
    for (event, channel), times in heard.items():
        if times > 1:
            findings.add("duplicate_effects", f"shortage {event}: {times} deliveries by {channel}")
        if event not in shortages:
            findings.add("duplicate_effects", f"a delivery by {channel} tells of {event}, which is no shortage")
    for event in shortages:
        for channel in CHANNELS:
            if not heard[event, channel]:
                findings.add("lost", f"shortage {event}: nothing was to be sent by {channel}")
    for notice in facts.stock.notices:
        if notice.state not in ("sent", "delivered", "unknown"):
            findings.add("lost", f"{notice} without cause")

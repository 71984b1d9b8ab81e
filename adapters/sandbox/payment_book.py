"""The book of the simulated payment gateway: a file to which every process appends."""

import fcntl
import json
import os
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from secrets import token_bytes
from threading import Lock
from typing import Any
from uuid import UUID

from core.kernel.money import Money
from core.kernel.vendor_errors import VendorUnavailable
from core.payments.gateway import GatewayPayment, GatewayRefund, PaymentState, RefundState

Entry = Mapping[str, Any]


class PaymentBook:
    """Orders, payments and refunds, one JSON object a line; a later line about the same id is its next state.

    A line counts from the moment in `since`, so that what happens later is decided with what happens first.
    """

    def __init__(self, book_path: str) -> None:
        self._path = book_path
        self._turn = Lock()
        self._forget()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Keep other threads and processes from reading and writing; raise `VendorUnavailable` without the file."""
        with self._turn:
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise VendorUnavailable(f"sandbox.book_path {self._path}: {error.strerror}") from error
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX)
                self._read_on()
                yield
            finally:
                os.close(self._file)

    def append(self, *entries: Entry) -> None:
        """Write entries in a turn, all or none of them."""
        lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in entries).encode()
        if os.write(self._file, lines) != len(lines):
            os.ftruncate(self._file, self._read_bytes)
            raise VendorUnavailable(f"sandbox.book_path {self._path}: the disk is full")
        self._read_on()

    def order(self, gateway_order: str) -> Entry | None:
        """Return an order."""
        return self._orders.get(gateway_order)

    def payments(self, gateway_order: str, now: datetime) -> Sequence[GatewayPayment]:
        """Return the payments of an order in their states at a moment."""
        return [self._state_of(states, now) for states in self._payments.get(gateway_order, {}).values()]

    def captured(self, payment: str, now: datetime) -> GatewayPayment | None:
        """Return a payment if it is captured at a moment, and no bank has taken it back."""
        states = self._payments.get(self._order_of.get(payment, ""), {}).get(payment)
        found = self._state_of(states, now) if states and payment not in self._charged_back else None
        return found if found and found.state is PaymentState.CAPTURED else None

    def refund(self, refund: UUID) -> GatewayRefund | None:
        """Return a refund by the office's id."""
        return self._refunds.get(refund)

    def refunds_of(self, payment: str) -> Sequence[GatewayRefund]:
        """Return the refunds of a payment."""
        return [each for each in self._refunds.values() if each.payment == payment]

    def secret(self) -> str:
        """Return the secret of webhooks that the first caller drew, in a turn."""
        if not self._secret:
            self.append({"kind": "secret", "secret": "whsec_" + b64encode(token_bytes(32)).decode()})
        return self._secret

    def _forget(self) -> None:
        self._read_bytes, self._secret = 0, ""
        self._orders: dict[str, Entry] = {}
        self._payments: dict[str, dict[str, list[Entry]]] = {}
        self._order_of: dict[str, str] = {}
        self._refunds: dict[UUID, GatewayRefund] = {}
        self._charged_back: set[str] = set()

    def _read_on(self) -> None:
        """Read what was appended since the last turn; a file that became shorter is another one."""
        size = os.fstat(self._file).st_size
        if size < self._read_bytes:
            self._forget()
        for line in os.pread(self._file, size - self._read_bytes, self._read_bytes).splitlines():
            self._take(json.loads(line))
        self._read_bytes = size

    def _take(self, entry: Entry) -> None:
        match entry["kind"]:
            case "order":
                self._orders[entry["id"]] = entry
            case "payment":
                self._order_of[entry["id"]] = entry["gateway_order"]
                self._payments.setdefault(entry["gateway_order"], {}).setdefault(entry["id"], []).append(entry)
            case "refund":
                self._refunds[UUID(entry["refund"])] = GatewayRefund(
                    refund=UUID(entry["refund"]),
                    id=entry["id"],
                    payment=entry["payment"],
                    state=RefundState(entry["state"]),
                    amount=money_of(entry),
                    at=datetime.fromisoformat(entry["at"]),
                )
            case "chargeback":
                self._charged_back.add(entry["payment"])
            case "secret":
                self._secret = entry["secret"]

    def _state_of(self, states: Sequence[Entry], now: datetime) -> GatewayPayment:
        current = [each for each in states if datetime.fromisoformat(each["since"]) <= now] or states[:1]
        return payment_of(current[-1])


def money_of(entry: Entry) -> Money:
    """Return the amount of an entry."""
    return Money(entry["minor"], entry["currency"])


def payment_of(entry: Entry) -> GatewayPayment:
    """Return the payment that an entry tells of."""
    return GatewayPayment(
        id=entry["id"],
        state=PaymentState(entry["state"]),
        amount=money_of(entry),
        at=datetime.fromisoformat(entry["at"]),
        method=entry["method"],
    )

"""A simulated vendor that appends accepted messages to a file, where tests and the demonstration count them."""

import json
from pathlib import Path
from random import Random
from uuid import uuid4

from core.kernel.vendor_errors import VendorUnavailable
from core.notifications.address_validation import check_email, check_sms
from core.notifications.messages import Accepted, Email, Sms
from core.notifications.ports import EmailSender, SmsSender


class SandboxEmailSender(EmailSender):
    """Writes e-mails to the record; refuses a share of them as unavailable."""

    def __init__(self, record_path: str, failure_percent: int = 0, seed: int | None = None) -> None:
        self._vendor = SandboxVendor(record_path, failure_percent, seed)

    async def send(self, message: Email) -> Accepted:
        check_email(message)
        return self._vendor.accept("email", str(message.delivery), {"to": message.to, "subject": message.subject})


class SandboxSmsSender(SmsSender):
    """Writes text messages to the record; refuses a share of them as unavailable."""

    def __init__(self, record_path: str, failure_percent: int = 0, seed: int | None = None) -> None:
        self._vendor = SandboxVendor(record_path, failure_percent, seed)

    async def send(self, message: Sms) -> Accepted:
        check_sms(message)
        return self._vendor.accept("sms", str(message.delivery), {"to": message.to, "text": message.text})


class SandboxVendor:
    """The record and the random failures that both channels share."""

    def __init__(self, record_path: str, failure_percent: int, seed: int | None) -> None:
        self._record = Path(record_path)
        self._failure_percent = failure_percent
        self._random = Random(seed)  # noqa: S311 - no secret depends on it

    def accept(self, channel: str, delivery: str, message: dict[str, str]) -> Accepted:
        """Append the message to the record, or raise `VendorUnavailable`."""
        if self._random.random() * 100 < self._failure_percent:
            raise VendorUnavailable("the sandbox simulates an overload")
        accepted = Accepted("sandbox", f"sandbox-{uuid4().hex}")
        line = {"channel": channel, "delivery": delivery, **message, "id": accepted.id}
        # One write of one line in append mode: several processes may append to the file.
        try:
            with self._record.open("a", encoding="utf-8") as record:
                record.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            raise VendorUnavailable(f"sandbox.record_path {self._record}: {error.strerror}") from error
        return accepted

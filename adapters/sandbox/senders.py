"""A pretended vendor with a record of its own, so that what it accepted can be counted from the outside."""

import json
from pathlib import Path
from random import Random
from uuid import uuid4

from core.notifications.address_validation import check_email, check_sms
from core.notifications.errors import VendorUnavailable
from core.notifications.messages import Accepted, Email, Sms
from core.notifications.ports import EmailSender, SmsSender


class SandboxEmailSender(EmailSender):
    """Accept e-mails into the record, and refuse some of them as an overloaded vendor would."""

    def __init__(self, record: str, failing_percent: int = 0, seed: int | None = None) -> None:
        self._vendor = SandboxVendor(record, failing_percent, seed)

    async def send(self, message: Email) -> Accepted:
        check_email(message)
        return self._vendor.accept("email", str(message.delivery), {"to": message.to, "subject": message.subject})


class SandboxSmsSender(SmsSender):
    """Accept text messages into the record, and refuse some of them as an overloaded vendor would."""

    def __init__(self, record: str, failing_percent: int = 0, seed: int | None = None) -> None:
        self._vendor = SandboxVendor(record, failing_percent, seed)

    async def send(self, message: Sms) -> Accepted:
        check_sms(message)
        return self._vendor.accept("sms", str(message.delivery), {"to": message.to, "text": message.text})


class SandboxVendor:
    """What both channels of the pretended vendor share: its moods and its record."""

    def __init__(self, record: str, failing_percent: int, seed: int | None) -> None:
        self._record = Path(record)
        self._failing_percent = failing_percent
        self._moods = Random(seed)  # noqa: S311  # a mood is no secret

    def accept(self, channel: str, delivery: str, message: dict[str, str]) -> Accepted:
        """Write the message down and name it, or raise `VendorUnavailable`."""
        if self._moods.random() * 100 < self._failing_percent:
            raise VendorUnavailable("the sandbox pretends to be overloaded")
        accepted = Accepted("sandbox", f"sandbox-{uuid4().hex}")
        line = {"channel": channel, "delivery": delivery, **message, "id": accepted.id}
        # One write of one line in append mode: several processes may share the record.
        with self._record.open("a", encoding="utf-8") as record:
            record.write(json.dumps(line, ensure_ascii=False) + "\n")
        return accepted

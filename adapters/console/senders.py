"""Prints messages on the terminal, for development."""

import re
import sys
from itertools import count

from core.notifications.address_validation import check_email, check_sms
from core.notifications.messages import Accepted, Email, Sms
from core.notifications.ports import EmailSender, SmsSender

UNSAFE_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Terminal escapes, carriage returns and direction overrides; joiners stay because Hindi needs them."""


class ConsoleEmailSender(EmailSender):
    """Prints the text of e-mails, numbered."""

    def __init__(self) -> None:
        self._numbers = count(1)

    async def send(self, message: Email) -> Accepted:
        check_email(message)
        show(f"e-mail to {message.to}\n  subject: {message.subject}\n\n{message.text.strip()}")
        return Accepted("console", f"console-email-{next(self._numbers)}")


class ConsoleSmsSender(SmsSender):
    """Prints text messages, numbered."""

    def __init__(self) -> None:
        self._numbers = count(1)

    async def send(self, message: Sms) -> Accepted:
        check_sms(message)
        show(f"text message to {message.to}\n\n{message.text.strip()}")
        return Accepted("console", f"console-sms-{next(self._numbers)}")


def show(words: str) -> None:
    """Print in one write; replace unsafe characters and those that the terminal cannot encode."""
    encoding = sys.stdout.encoding or "utf-8"
    safe = UNSAFE_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", words)
    print(safe.encode(encoding, "replace").decode(encoding) + "\n", flush=True)

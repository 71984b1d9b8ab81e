"""Prints messages on the terminal, for development."""

import sys
from itertools import count

from core.kernel.text import unprintable_positions
from core.notifications.address_validation import check_email, check_sms
from core.notifications.messages import Accepted, Email, Sms
from core.notifications.ports import EmailSender, SmsSender


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
    unsafe = {position for position in unprintable_positions(words) if words[position] not in "\t\n"}
    safe = "".join("\N{REPLACEMENT CHARACTER}" if at in unsafe else letter for at, letter in enumerate(words))
    print(safe.encode(encoding, "replace").decode(encoding) + "\n", flush=True)

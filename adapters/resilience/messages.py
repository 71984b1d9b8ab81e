"""The type of message that a chain sends: e-mails or text messages."""

from typing import TypeVar

from core.notifications.messages import Email, Sms

M = TypeVar("M", bound=Email | Sms)

"""What is handed through the chain."""

from typing import TypeVar

from core.notifications.messages import Email, Sms

M = TypeVar("M", bound=Email | Sms)

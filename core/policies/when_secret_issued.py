"""When a one-time code was requested or an account was invited, the person is sent the code or the link."""

from datetime import datetime
from uuid import UUID

from core.identity.one_time_secret import AccountInvited, CodeRequested
from core.messaging.message import Message, Received
from core.notifications.delivery import Notice, RecipientId
from core.notifications.rendering import SECRET
from core.use_cases import UseCases


async def when_code_requested(requested: Received[CodeRequested], use_cases: UseCases) -> None:
    """Send a code to the contact on the roster; a request for an unknown registration ends here."""
    if student := requested.body.student:
        notice = secret_notice(requested.message, student, "one_time_code", requested.body.expires_at)
        await use_cases.notifications.send_notice(notice)


async def when_account_invited(invited: Received[AccountInvited], use_cases: UseCases) -> None:
    """Send a link to the address of the account."""
    notice = secret_notice(invited.message, invited.body.account, "invitation", invited.body.expires_at)
    await use_cases.notifications.send_notice(notice)


def secret_notice(message: Message, recipient: UUID, template: str, expires_at: datetime) -> Notice:
    """Return a notice that names the secret, and does not contain it."""
    return Notice(
        notice=message.id,
        about=message.subject,
        recipient=RecipientId(recipient),
        template=template,
        facts={SECRET: str(message.subject), "until": {"at": expires_at.isoformat(), "zone": "UTC"}},
        expires_at=expires_at,
    )

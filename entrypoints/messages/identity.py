"""Messages of the identity context."""

from core.identity.one_time_secret import AccountInvited, CodeRequested
from core.messaging.message import Message, Received
from core.messaging.routing import Route, RouteKey
from core.policies.when_secret_issued import when_account_invited, when_code_requested
from core.use_cases import UseCases
from entrypoints.messages.handlers import ignore_messages, per_message
from entrypoints.strict_decoding import decode_event


@per_message
async def code_requested(message: Message, use_cases: UseCases) -> None:
    """Decode a requested code and apply its policy."""
    await when_code_requested(Received(message, decode_event(message.body, CodeRequested)), use_cases)


@per_message
async def account_invited(message: Message, use_cases: UseCases) -> None:
    """Decode an invitation and apply its policy."""
    await when_account_invited(Received(message, decode_event(message.body, AccountInvited)), use_cases)


ROUTES: dict[RouteKey, Route] = {
    ("identity", "CodeRequested"): code_requested,
    ("identity", "AccountInvited"): account_invited,
    ("identity.dead-letters", "MessageBuried"): ignore_messages,
}

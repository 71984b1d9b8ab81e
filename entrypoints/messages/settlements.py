"""Messages of the settlements context."""

from collections.abc import Sequence

from core.messaging.message import Message, Received
from core.messaging.routing import Route, RouteKey
from core.policies.when_settlement_posted import when_settlement_posted
from core.settlements.settlement_line import SettlementPosted
from core.use_cases import UseCases
from entrypoints.messages.handlers import ignore_messages
from entrypoints.strict_decoding import decode_event


async def settlement_posted(messages: Sequence[Message], use_cases: UseCases) -> None:
    """Decode transfers and apply their policy."""
    posted = [Received(each, decode_event(each.body, SettlementPosted)) for each in messages]
    await when_settlement_posted(posted, use_cases)


ROUTES: dict[RouteKey, Route] = {
    ("settlements", "SettlementPosted"): settlement_posted,
    ("settlements.dead-letters", "MessageBuried"): ignore_messages,
}

"""When a gateway has transferred amounts, the ledger moves them to the bank."""

from collections.abc import Iterator, Sequence

from core.kernel.money import Money
from core.ledger.account import AccountKind, LedgerAccount
from core.ledger.transaction import LedgerTransaction, Posting, TransactionKind
from core.messaging.message import Received
from core.settlements.settlement_line import SettlementPosted
from core.use_cases import UseCases


async def when_settlement_posted(posted: Sequence[Received[SettlementPosted]], use_cases: UseCases) -> None:
    """Post all transactions; a repeated event is posted already."""
    found = [settlement_of(each.body) for each in posted]
    await use_cases.ledger.post_transactions([each for each in found if each])


def settlement_of(event: SettlementPosted) -> LedgerTransaction | None:
    """Return the transaction of a transfer; None where nothing moved."""
    if not (postings := tuple(postings_of(event))):
        return None
    return LedgerTransaction(
        kind=TransactionKind.SETTLEMENT,
        cause=event.subject,
        about=event.subject,
        at=event.settled_at,
        postings=postings,
    )


def postings_of(event: SettlementPosted) -> Iterator[Posting]:
    """Yield what the bank received and the gateway kept; both are taken from what the gateway has collected."""
    clearing = LedgerAccount(AccountKind.CLEARING, event.gateway)
    moved = (
        (LedgerAccount(AccountKind.BANK, event.bank), event.gross - event.fees),
        (LedgerAccount(AccountKind.GATEWAY_FEE, event.gateway), event.fees),
    )
    for account, amount in moved:
        if amount > Money.zero(amount.currency):
            yield Posting(account, clearing, amount)
        elif amount.minor:
            yield Posting(clearing, account, -amount)

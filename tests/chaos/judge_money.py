"""Judges the money: the office's ledger is the gateway's own book, and each payment has one receipt."""

from collections import Counter

from tests.chaos.facts import Facts
from tests.chaos.findings import Findings
from tests.chaos.money import GatewayBook, OfficeMoney, by_fee

PAYMENT, REFUND = "payment", "refund"


def judge_money(facts: Facts, findings: Findings) -> None:
    """Return all findings about money."""
    book, office = facts.book, facts.office
    judge_payments(book, office, findings)
    judge_refunds(book, office, findings)
    judge_surplus(book, office, findings)
    judge_balances(book, office, findings)
    judge_receipts(office, findings)


def judge_payments(book: GatewayBook, office: OfficeMoney, findings: Findings) -> None:
    """Check that each payment of the gateway is stored once, and posted once with its amount."""
    stored = Counter(each.gateway_payment for each in office.payments)
    for name, taken in book.captured.items():
        if not stored[name]:
            findings.add("money_lost", f"the gateway captured {name}, and no payment is stored")
        if stored[name] > 1:
            findings.add("money_duplicates", f"{name} is stored {stored[name]} times")
        for each in [each for each in office.payments if each.gateway_payment == name and each.minor != taken.minor]:
            findings.add("money_disagrees", f"{name} is of {taken.minor}, stored is {each.minor}")
    for each in office.payments:
        if each.gateway_payment not in book.captured:
            findings.add("money_duplicates", f"{each.gateway_payment} is stored, and the gateway captured no such one")
        judge_posted(office, PAYMENT, each.id, each.minor, findings)


def judge_refunds(book: GatewayBook, office: OfficeMoney, findings: Findings) -> None:
    """Check that each refund of the gateway is settled and posted, and no payment was refunded beyond its amount."""
    for name, given in book.refunded.items():
        stage, minor = office.refunds.get(name, ("missing", 0))
        if (stage, minor) != ("settled", given.minor):
            findings.add("money_lost", f"the gateway refunded {given.minor} by {name}, which is {stage} with {minor}")
        judge_posted(office, REFUND, name, given.minor, findings)
    for name, (stage, _) in office.refunds.items():
        if stage == "settled" and name not in book.refunded:
            findings.add("money_duplicates", f"the refund {name} is settled, and the gateway gave nothing back")
    back = Counter[str]()
    for given in book.refunded.values():
        back[given.of] += given.minor
    for payment, minor in back.items():
        if minor > book.captured[payment].minor:
            findings.add("money_duplicates", f"{minor} of {book.captured[payment].minor} of {payment} were refunded")


def judge_posted(office: OfficeMoney, kind: str, cause: str, minor: int, findings: Findings) -> None:
    """Check that a fact is posted once."""
    posted = office.posted.get((kind, cause), 0)
    if posted != minor:
        found = "money_lost" if posted < minor else "money_duplicates"
        findings.add(found, f"the {kind} {cause} is of {minor}, and {posted} are posted")


def judge_surplus(book: GatewayBook, office: OfficeMoney, findings: Findings) -> None:
    """Check that of each fee exactly the surplus went back."""
    back = Counter[str]()
    for given in book.refunded.values():
        back[given.of] += given.minor
    for fee, taken in by_fee(book, office).items():
        paid, returned = sum(each.minor for each in taken), sum(back[each.id] for each in taken)
        surplus = max(paid - office.due[fee], 0)
        if returned != surplus:
            findings.add(
                "money_disagrees", f"{paid} were paid for {fee}, {office.due[fee]} are due, {returned} went back"
            )
        if office.cleared[fee] != (paid >= office.due[fee]):
            findings.add("money_disagrees", f"{paid} of {office.due[fee]} were paid for {fee}, and it is not told so")


def judge_balances(book: GatewayBook, office: OfficeMoney, findings: Findings) -> None:
    """Check that what is owed by the ledger is what the gateway's book leaves."""
    payments = by_fee(book, office)
    refunded = Counter[str]()
    for given in book.refunded.values():
        refunded[given.of] += given.minor
    for fee, due in office.due.items():
        taken = payments.get(fee, [])
        left = due - sum(each.minor - refunded[each.id] for each in taken)
        if office.balances.get(fee, 0) != left:
            findings.add("money_disagrees", f"{left} are left of {fee}, the ledger says {office.balances.get(fee, 0)}")


def judge_receipts(office: OfficeMoney, findings: Findings) -> None:
    """Check that each payment has one receipt, and that the numbers have no gap."""
    receipts = Counter(payment for payment, _ in office.receipts)
    for each in office.payments:
        if not receipts[each.id]:
            findings.add("money_lost", f"the payment {each.id} has no receipt")
        if receipts[each.id] > 1:
            findings.add("money_duplicates", f"the payment {each.id} has {receipts[each.id]} receipts")
    numbers = sorted(number for _, number in office.receipts)
    if numbers != list(range(1, len(numbers) + 1)):
        findings.add("money_disagrees", f"the numbers of {len(numbers)} receipts have gaps or doubles: {numbers[-1:]}")

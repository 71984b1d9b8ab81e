"""Judges the state of the system: a pure function from facts to findings with ids."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from uuid import UUID

from tests.chaos.facts import Facts, message_of
from tests.chaos.findings import Findings
from tests.chaos.judge_money import judge_money
from tests.chaos.judge_stock import judge_stock
from tests.chaos.topics import Published

CHANNELS = ("email", "sms")


def judge(facts: Facts, findings: Findings) -> None:
    """Return all findings."""
    judge_submissions(facts, findings)
    judge_events(facts, findings)
    judge_effects(facts, findings)
    judge_charges(facts, findings)
    judge_notices(facts, findings)
    judge_deliveries(facts, findings)
    judge_stock(facts, findings)
    judge_money(facts, findings)
    for letter in facts.dead_letters:
        findings.add("dead_letters", f"buried: {letter}")


def judge_submissions(facts: Facts, findings: Findings) -> None:
    """Compare the replies to clients with the stored submissions."""
    stored: defaultdict[UUID, list[str]] = defaultdict(list)
    for _, reference, student in facts.submissions:
        stored[student].append(reference)
    for answer in facts.answers:
        found = stored[facts.students[answer.registration]]
        if answer.status != 201:
            findings.add("lost", f"{answer.registration} was refused with {answer.status}: {answer.told}")
        elif not found:
            findings.add("lost", f"{answer.registration} was told {answer.reference or 'yes'}, nothing is stored")
        elif answer.reference and answer.reference not in found:
            findings.add("duplicate_submissions", f"{answer.registration} was told {answer.reference}, stored: {found}")
    for student, found in stored.items():
        if len(found) > 1:
            findings.add("duplicate_submissions", f"student {student} has {found}")
    announced = Counter(event.aggregate for event in facts.events if event.type == "FeeSubmitted")
    for submission, reference, _ in facts.submissions:
        if not announced[submission]:
            findings.add("lost", f"{reference} ({submission}) was stored without its event")


def judge_events(facts: Facts, findings: Findings) -> None:
    """Compare the event log with the topics."""
    for context, partitions in facts.topics.items():
        there = {record.event for records in partitions for record in records}
        for event in facts.events:
            if event.context == context and event.id not in there:
                findings.add(
                    "lost", f"{event.type} {event.id}, version {event.version} of {event.aggregate}: no record"
                )
        for what in disorder(partitions):
            findings.add("out_of_order", f"{context}: {what}")


def disorder(partitions: list[list[Published]]) -> Iterator[str]:
    """Find each event whose first record follows that of a later event, and each aggregate in two partitions."""
    homes: dict[UUID, int] = {}
    for number, records in enumerate(partitions):
        seen: dict[UUID, set[int]] = defaultdict(set)
        for record in records:
            if homes.setdefault(record.aggregate, number) != number:
                yield f"{record.aggregate} is in partitions {homes[record.aggregate]} and {number}"
            if record.version not in (versions := seen[record.aggregate]):
                if versions and record.version < max(versions):
                    yield f"version {record.version} of {record.aggregate} comes after version {max(versions)}"
                versions.add(record.version)
        for aggregate, versions in seen.items():
            if gaps := set(range(1, max(versions))) - versions:
                yield f"versions {sorted(gaps)} of {aggregate} were never published, version {max(versions)} was"


def judge_effects(facts: Facts, findings: Findings) -> None:
    """Check that each submission has one effect."""
    effects = Counter(message_of(event) for event in facts.events if event.type == "EffectTaken")
    for event in facts.events:
        if event.type == "FeeSubmitted" and not effects[event.id]:
            findings.add("lost", f"FeeSubmitted {event.id} of {event.aggregate} never took effect")
        if event.type == "ExamFeeRefused":
            findings.add("duplicate_effects", f"a command took effect again and was refused: {event.body.decode()}")
    for message, times in effects.items():
        if times > 1:
            findings.add("duplicate_effects", f"message {message} took effect {times} times")


def judge_charges(facts: Facts, findings: Findings) -> None:
    """Check that each candidate owes the price of the fee, once."""
    for submission, reference, _ in facts.submissions:
        price, charged = facts.charged.get(submission, (0, 0))
        if charged != price:
            kind = "duplicate_effects" if charged > price else "lost"
            findings.add(kind, f"{reference} costs {price}, the ledger charges {charged}")


def judge_notices(facts: Facts, findings: Findings) -> None:
    """Check that each submission has one delivery per channel."""
    deliveries = Counter((delivery.student, delivery.channel) for delivery in facts.deliveries)
    for _, reference, student in facts.submissions:
        for channel in CHANNELS:
            if not deliveries[student, channel]:
                findings.add("lost", f"{reference}: nothing was to be sent by {channel}")
            if deliveries[student, channel] > 1:
                findings.add(
                    "duplicate_effects", f"{reference}: {deliveries[student, channel]} deliveries by {channel}"
                )


def judge_deliveries(facts: Facts, findings: Findings) -> None:
    """Compare deliveries with the messages that vendors accepted."""
    accepted = Counter(line.to for line in facts.vendors if line.id)
    decided = Counter(
        line.to for line in facts.vendors if not line.id and not line.found
    )  # the vendor was queried and had no message
    for delivery in facts.deliveries:
        named, times = f"delivery {delivery.id} by {delivery.channel} to {delivery.address}", accepted[delivery.address]
        allowed = 1 + decided[delivery.address]
        if delivery.state == "unknown" or 1 < times <= allowed:
            findings.unknown += 1
        elif delivery.state not in ("sent", "delivered"):
            findings.add("lost", f"{named} is {delivery.state} without cause: {delivery.reason}")
        elif not times:
            findings.add("lost", f"{named} is {delivery.state}, no vendor accepted it")
        if times > allowed:
            findings.add(
                "blind_resends", f"{named} was accepted {times} times, the vendor knew of none {allowed - 1} times"
            )

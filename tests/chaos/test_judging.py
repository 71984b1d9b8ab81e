"""What counts as lost, repeated or disordered, case by case."""

from dataclasses import replace
from uuid import UUID, uuid4

import msgspec
import pytest

from tests.chaos.client import Answered
from tests.chaos.facts import Facts, Sent, Stored
from tests.chaos.findings import COUNTED, Findings
from tests.chaos.judge import disorder, judge
from tests.chaos.stock import Goods, Line, Stock
from tests.chaos.storekeepers import KIT
from tests.chaos.topics import Published
from tests.chaos.vendors import Noted

STUDENT, SUBMISSION, EVENT, EFFECT, KITS = (uuid4() for _ in range(5))
PHONE, MAILBOX = "+919800000001", "c1@example.org"
EMAIL = Sent(uuid4(), STUDENT, "email", "sent", "", MAILBOX)
SMS = Sent(uuid4(), STUDENT, "sms", "sent", "", PHONE)
EFFECT_BODY = msgspec.json.encode({"message": EVENT})
QUEUED = Stored(uuid4(), "inventory", "Queued", KITS, 1, b'{"line": {"order": "BF-1", "state": "waiting"}}')
SUBMITTED = Stored(EVENT, "fees", "FeeSubmitted", SUBMISSION, 1, b"{}")
GOOD = Facts(
    answers=[Answered("C-1", 201, "BF-1")],
    students={"C-1": STUDENT},
    submissions=[(SUBMISSION, "BF-1", STUDENT)],
    events=[SUBMITTED, Stored(EFFECT, "chaos", "EffectTaken", EFFECT, 1, EFFECT_BODY), QUEUED],
    topics={"fees": [[Published(EVENT, SUBMISSION, 1)]], "chaos": [[], [Published(EFFECT, EFFECT, 1)]]},
    deliveries=[EMAIL, SMS],
    vendors=[Noted("ses", MAILBOX, "m-1"), Noted("twilio", PHONE, "m-2")],
    dead_letters=[],
    stock=Stock(skus=[Goods(KITS, KIT, 1)], lines=[Line("BF-1", KIT, 1, False, "waiting", 1)]),
)
TWICE = [*GOOD.vendors, Noted("twilio", PHONE, "m-3")]


def judged(facts: Facts) -> Findings:
    findings = Findings()
    judge(facts, findings)
    return findings


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    findings = judged(GOOD)

    assert set(findings.counts().values()) == {0}
    assert findings.unknown == 0


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("lost", replace(GOOD, submissions=[], deliveries=[], events=[], topics={"fees": [[]]})),
        ("lost", replace(GOOD, answers=[Answered("C-1", 409, told="submitted already")])),
        ("lost", replace(GOOD, topics=GOOD.topics | {"fees": [[]]})),
        ("lost", replace(GOOD, events=[SUBMITTED])),
        ("lost", replace(GOOD, deliveries=[EMAIL])),
        ("lost", replace(GOOD, deliveries=[EMAIL, replace(SMS, state="rejected")])),
        ("lost", replace(GOOD, vendors=GOOD.vendors[:1])),
        ("duplicate_submissions", replace(GOOD, submissions=[*GOOD.submissions, (uuid4(), "BF-2", STUDENT)])),
        ("duplicate_submissions", replace(GOOD, answers=[*GOOD.answers, Answered("C-1", 201, "BF-2")])),
        ("duplicate_effects", replace(GOOD, events=[*GOOD.events, replace(GOOD.events[1], id=EFFECT)])),
        ("duplicate_effects", replace(GOOD, deliveries=[EMAIL, SMS, replace(SMS, id=uuid4())])),
        ("duplicate_effects", replace(GOOD, events=[*GOOD.events, replace(SUBMITTED, type="ExamFeeRefused")])),
        ("blind_resends", replace(GOOD, vendors=TWICE)),
        ("dead_letters", replace(GOOD, dead_letters=["a letter"])),
    ],
)
def test_each_broken_promise_is_found_as_what_it_is(kind: str, facts: Facts) -> None:
    counts = judged(facts).counts()

    assert counts[kind] > 0
    assert kind in COUNTED


def test_a_second_message_is_no_blind_resend_when_the_vendor_was_asked_first_and_knew_of_none() -> None:
    facts = replace(GOOD, vendors=[Noted("twilio", PHONE, found=0), *TWICE])

    findings = judged(facts)

    assert findings.counts()["blind_resends"] == 0
    assert findings.unknown == 1


def test_a_second_message_in_spite_of_a_vendor_that_knew_of_the_first_is_a_blind_resend() -> None:
    facts = replace(GOOD, vendors=[*GOOD.vendors, Noted("twilio", PHONE, found=1), TWICE[-1]])

    assert judged(facts).counts()["blind_resends"] == 1


def test_one_question_allows_one_more_message() -> None:
    facts = replace(GOOD, vendors=[Noted("twilio", PHONE, found=0), *TWICE, Noted("twilio", PHONE, "m-4")])

    assert judged(facts).counts()["blind_resends"] == 1


def test_an_unknown_delivery_is_neither_lost_nor_sent() -> None:
    facts = replace(GOOD, deliveries=[EMAIL, replace(SMS, state="unknown")], vendors=GOOD.vendors[:1])

    findings = judged(facts)

    assert set(findings.counts().values()) == {0}
    assert findings.unknown == 1


@pytest.mark.parametrize(
    ("versions", "disordered"),
    [
        ([1, 2, 3], False),
        ([1, 1, 2, 1, 2, 3], False),
        ([2, 1], True),
        ([1, 3, 2], True),
        ([1, 3], True),
        ([2], True),
    ],
)
def test_only_first_occurrences_have_an_order_and_it_has_no_gaps(versions: list[int], disordered: bool) -> None:
    aggregate = UUID(int=1)

    assert bool(list(disorder([[Published(UUID(int=each), aggregate, each) for each in versions]]))) is disordered


def test_an_aggregate_has_one_partition() -> None:
    aggregate = UUID(int=1)

    assert list(disorder([[Published(UUID(int=1), aggregate, 1)], [Published(UUID(int=2), aggregate, 2)]]))

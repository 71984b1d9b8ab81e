"""The judge's findings about lost, duplicate and disordered effects, case by case."""

from dataclasses import replace
from uuid import UUID, uuid4

import msgspec
import pytest

from tests.chaos.facts import Facts, StoredDelivery, StoredEvent
from tests.chaos.findings import FINDING_KINDS, Findings
from tests.chaos.judge import disorder, judge
from tests.chaos.stock import Line, SkuRow, Stock
from tests.chaos.stock_clients import KIT
from tests.chaos.submission_clients import SubmissionReply
from tests.chaos.topics import Published
from tests.chaos.vendors import VendorRecord

STUDENT, SUBMISSION, EVENT, EFFECT, KITS = (uuid4() for _ in range(5))
PHONE, MAILBOX = "+919800000001", "c1@example.org"
EMAIL = StoredDelivery(uuid4(), STUDENT, "email", "sent", "", MAILBOX)
SMS = StoredDelivery(uuid4(), STUDENT, "sms", "sent", "", PHONE)
EFFECT_BODY = msgspec.json.encode({"message": EVENT})
QUEUED = StoredEvent(uuid4(), "inventory", "Queued", KITS, 1, b'{"line": {"order": "BF-1", "state": "waiting"}}')
SUBMITTED = StoredEvent(EVENT, "fees", "FeeSubmitted", SUBMISSION, 1, b"{}")
GOOD = Facts(
    answers=[SubmissionReply("C-1", 201, "BF-1")],
    students={"C-1": STUDENT},
    submissions=[(SUBMISSION, "BF-1", STUDENT)],
    charged={SUBMISSION: (100, 100)},
    events=[SUBMITTED, StoredEvent(EFFECT, "chaos", "EffectTaken", EFFECT, 1, EFFECT_BODY), QUEUED],
    topics={"fees": [[Published(EVENT, SUBMISSION, 1)]], "chaos": [[], [Published(EFFECT, EFFECT, 1)]]},
    deliveries=[EMAIL, SMS],
    vendors=[VendorRecord("ses", MAILBOX, "m-1"), VendorRecord("twilio", PHONE, "m-2")],
    dead_letters=[],
    stock=Stock(skus=[SkuRow(KITS, KIT, 1)], lines=[Line("BF-1", KIT, 1, False, "waiting", 1)]),
)
TWICE = [*GOOD.vendors, VendorRecord("twilio", PHONE, "m-3")]


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
        ("lost", replace(GOOD, answers=[SubmissionReply("C-1", 409, told="submitted already")])),
        ("lost", replace(GOOD, topics=GOOD.topics | {"fees": [[]]})),
        ("lost", replace(GOOD, events=[SUBMITTED])),
        ("lost", replace(GOOD, deliveries=[EMAIL])),
        ("lost", replace(GOOD, charged={SUBMISSION: (100, 0)})),
        ("duplicate_effects", replace(GOOD, charged={SUBMISSION: (100, 200)})),
        ("lost", replace(GOOD, deliveries=[EMAIL, replace(SMS, state="rejected")])),
        ("lost", replace(GOOD, vendors=GOOD.vendors[:1])),
        ("duplicate_submissions", replace(GOOD, submissions=[*GOOD.submissions, (uuid4(), "BF-2", STUDENT)])),
        ("duplicate_submissions", replace(GOOD, answers=[*GOOD.answers, SubmissionReply("C-1", 201, "BF-2")])),
        ("duplicate_effects", replace(GOOD, events=[*GOOD.events, replace(GOOD.events[1], id=EFFECT)])),
        ("duplicate_effects", replace(GOOD, deliveries=[EMAIL, SMS, replace(SMS, id=uuid4())])),
        ("duplicate_effects", replace(GOOD, events=[*GOOD.events, replace(SUBMITTED, type="ExamFeeRefused")])),
        ("blind_resends", replace(GOOD, vendors=TWICE)),
        ("dead_letters", replace(GOOD, dead_letters=["a letter"])),
    ],
)
def test_each_violation_is_reported_under_its_kind(kind: str, facts: Facts) -> None:
    counts = judged(facts).counts()

    assert counts[kind] > 0
    assert kind in FINDING_KINDS


def test_a_resend_after_the_vendor_reported_no_message_is_no_blind_resend() -> None:
    facts = replace(GOOD, vendors=[VendorRecord("twilio", PHONE, found=0), *TWICE])

    findings = judged(facts)

    assert findings.counts()["blind_resends"] == 0
    assert findings.unknown == 1


def test_a_resend_of_a_message_the_vendor_reported_is_a_blind_resend() -> None:
    facts = replace(GOOD, vendors=[*GOOD.vendors, VendorRecord("twilio", PHONE, found=1), TWICE[-1]])

    assert judged(facts).counts()["blind_resends"] == 1


def test_one_vendor_query_permits_one_resend() -> None:
    facts = replace(
        GOOD, vendors=[VendorRecord("twilio", PHONE, found=0), *TWICE, VendorRecord("twilio", PHONE, "m-4")]
    )

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

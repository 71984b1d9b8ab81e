"""What a corrected version asks for a submission of an older one."""

from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

import pytest

from core.fees.deadlines import Deadlines
from core.fees.price_again import HeadSum, PastSubmission, figures_of, price_again, sums_by_head
from core.fees.pricing.late_fee import LateFee, LateFeeWindow
from core.fees.schedule import FeeSchedule
from core.fees.submission import Submission, SubmissionId
from core.kernel.money import Money
from tests.unit.fees.schedules import a_candidate, a_choice, a_fee, a_schedule, local

LATE = LateFee(windows=(LateFeeWindow(after=date(2026, 3, 1), per_day=1_000),))
"""10 rupees for each day from 2 March on."""


def submitted(schedule: FeeSchedule, arrived: datetime, *, papers: int = 2) -> Submission:
    candidate, selection = a_candidate(), a_choice(papers)
    quote = schedule.price(candidate, selection, arrived)
    submission = SubmissionId(UUID(int=7))
    return Submission.submit(
        submission, candidate, schedule, selection, quote, received_at=arrived, at=arrived
    )[0]  # fmt: skip


def again(own: FeeSchedule, corrected: FeeSchedule, arrived: datetime) -> dict[str, int]:
    sums = price_again(PastSubmission(submitted(own, arrived), a_candidate()), own, corrected)
    assert sums is not None
    return {each.head: each.amount.minor for each in sums}


def test_the_late_fee_is_of_the_day_on_which_the_submission_arrived() -> None:
    own, corrected = a_schedule(a_fee(amount=10_000), LATE), a_schedule(a_fee(amount=12_000), LATE)

    assert again(own, corrected, local("2026-03-01T23:59")) == {"examination": 12_000}
    assert again(own, corrected, local("2026-03-04T00:00")) == {"examination": 12_000, "late-fee": 3_000}


def test_a_submission_in_time_is_priced_also_by_a_version_that_has_closed() -> None:
    own = a_schedule(a_fee(amount=10_000))
    closed = a_schedule(a_fee(amount=9_000), closes=Deadlines(submission=datetime(2026, 1, 1)))  # noqa: DTZ001 - local

    assert again(own, closed, local("2026-03-01T12:00")) == {"examination": 9_000}


def test_lines_of_one_head_are_one_sum_and_what_is_taken_off_is_another() -> None:
    lines = submitted(a_schedule(a_fee(amount=10_000)), local("2026-03-01T12:00")).lines
    off = replace(lines[0], amount=Money(-2_500, "INR"))

    assert set(sums_by_head((*lines, *lines, off))) == {
        HeadSum("examination", Money(20_000, "INR")),
        HeadSum("examination", Money(-2_500, "INR")),
    }


@pytest.mark.parametrize(
    ("candidate", "own", "corrected"),
    [
        (None, a_schedule(), a_schedule(a_fee(amount=1))),
        (a_candidate(), None, a_schedule(a_fee(amount=1))),
        (a_candidate(), a_schedule(a_fee(amount=9_999)), a_schedule(a_fee(amount=1))),
        (a_candidate("unheard-of"), a_schedule(), a_schedule(a_fee(amount=1))),
        (a_candidate(), a_schedule(), a_schedule(a_fee(amount=1), currency="USD")),
    ],
    ids=["erased", "no own version", "other facts", "no price", "another currency"],
)
def test_what_only_a_person_can_judge_is_left_alone(candidate: object, own: object, corrected: FeeSchedule) -> None:
    past = PastSubmission(submitted(a_schedule(), local("2026-03-01T12:00")), candidate)  # type: ignore[arg-type]

    assert price_again(past, own, corrected) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("after", "what"),
    [(120, "demands"), (80, "refunds"), (100, "unchanged")],
)
def test_figures_tell_what_would_become_of_a_fee(after: int, what: str) -> None:
    before = (HeadSum("examination", Money(100, "INR")),)
    figures = figures_of(before, (HeadSum("examination", Money(after, "INR")),))

    assert (getattr(figures, what), figures.submissions) == (1, 1)
    assert figures.changes == (what != "unchanged")
    assert figures_of(before, (HeadSum("processing", Money(100, "INR")),)).transfers == 1

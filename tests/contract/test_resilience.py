"""The resilience chain in front of a vendor, including tests for the known defects of aiobreaker and backoff."""

import asyncio
import logging
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import generate_latest

from adapters.resilience.breaker import RateBreaker
from adapters.resilience.bulkhead import Bulkhead
from adapters.resilience.chain import resilient
from adapters.resilience.policy import ResiliencePolicy
from config.sections.vendors import Resilience
from core.kernel.clock import Clock
from core.kernel.vendor_errors import AccountFault, OutcomeUnknown, Rejected, VendorUnavailable
from core.notifications.attempt_log import AttemptLog, AttemptOutcome
from core.notifications.delivery import Channel
from core.notifications.errors import AlreadyReported, RecipientNotAllowed, RecipientUnavailable
from core.notifications.messages import Accepted, DeliveryId, Email
from core.notifications.ports import EmailSender, Sender, VendorChannel
from core.notifications.vendor_standing import Breaker

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
DOWN = VendorUnavailable("down")
Answer = Callable[[], Awaitable[str]]


class StoppedClock(Clock):
    def now(self) -> datetime:
        return NOON


class ScriptedVendor(EmailSender):
    """A vendor with prepared answers that counts its calls."""

    def __init__(self, *answers: Exception | str | Answer) -> None:
        self.answers = list(answers)
        self.always: Exception | str | Answer = "id"
        self.calls = 0
        self.busy = self.busiest = 0

    async def send(self, message: Email) -> Accepted:
        self.calls += 1
        self.busy += 1
        self.busiest = max(self.busy, self.busiest)
        try:
            answer = self.answers.pop(0) if self.answers else self.always
            if callable(answer):
                answer = await answer()
            if isinstance(answer, Exception):
                raise answer
            return Accepted("a vendor", answer)
        finally:
            self.busy -= 1


class BreakerHarness:
    """A chain with a stopped clock that records its pauses."""

    def __init__(self, *vendors: ScriptedVendor, **limits: Any) -> None:
        self.time = 1_000.0
        self.slept: list[float] = []
        self.patience: asyncio.Event | None = None
        self.vendors = vendors
        self.attempt_log = AttemptLog()
        named = {f"vendor-{number}": vendor for number, vendor in enumerate(vendors)}
        self.chain: VendorChannel[Email] = resilient(
            Channel.EMAIL, tuple(named), named.__getitem__, a_policy(**limits), StoppedClock(), self.attempt_log,
            now=lambda: self.time, sleep=self._sleep,
        )  # fmt: skip

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await (self.patience.wait() if self.patience else asyncio.sleep(0))

    async def send(self) -> Accepted:
        return await self.chain.send(an_email())

    async def fail(self, times: int = 1, kind: type[Exception] = VendorUnavailable) -> None:
        for _ in range(times):
            with pytest.raises(kind):
                await self.send()


def a_policy(**limits: Any) -> ResiliencePolicy:
    ours = {"max_attempts": 1, "deadline_seconds": 60.0, "max_in_flight": 1_000}
    words = {field.name: getattr(Resilience(), field.name) for field in fields(ResiliencePolicy)}
    return ResiliencePolicy(**words | ours | limits)


def an_email() -> Email:
    return Email(delivery=DeliveryId(uuid4()), to="a@example.org", subject="Fee", text="", html="")


@asynccontextmanager
async def under_way(*sends: Awaitable[Any]) -> AsyncIterator[Sequence[asyncio.Future[Any]]]:
    """Start concurrent calls, and let each proceed as far as it can; cancel the rest at the end."""
    tasks = [asyncio.ensure_future(send) for send in sends]
    for _ in range(20):
        await asyncio.sleep(0)
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def wait_for_ever() -> str:
    await asyncio.Event().wait()
    return "never"


# -- the breaker, with aiobreaker's defects


async def test_a_failure_rate_of_one_half_opens_the_breaker() -> None:
    answers: list[Exception | str] = ["id", DOWN]
    vendor = ScriptedVendor(*answers * 5)  # aiobreaker: each success resets the count of failures
    stage = BreakerHarness(vendor, failure_percent=50, minimum_calls=10)
    for _ in range(5):
        await stage.send()
        await stage.fail()

    await stage.fail()
    assert vendor.calls == 10


async def test_a_failure_rate_below_the_threshold_keeps_the_breaker_closed() -> None:
    answers: list[Exception | str] = ["id", "id", DOWN]
    vendor = ScriptedVendor(*answers * 20)
    stage = BreakerHarness(vendor, failure_percent=50, minimum_calls=10)
    for _ in range(20):
        await stage.send()
        await stage.send()
        await stage.fail()
    assert vendor.calls == 60


async def test_too_few_calls_do_not_open_the_breaker() -> None:
    vendor = ScriptedVendor(*[DOWN] * 9)
    stage = BreakerHarness(vendor, minimum_calls=10)
    await stage.fail(9)
    assert await stage.send()


async def test_failures_that_slid_out_of_the_window_are_forgotten() -> None:
    vendor = ScriptedVendor(*[DOWN] * 18)
    stage = BreakerHarness(vendor, minimum_calls=10, window_seconds=30)
    await stage.fail(9)
    stage.time += 30
    await stage.fail(9)
    assert await stage.send()


async def tripped(vendor: ScriptedVendor, **limits: Any) -> BreakerHarness:
    stage = BreakerHarness(vendor, minimum_calls=10, open_seconds=15.0, **limits)
    vendor.always = DOWN
    await stage.fail(10)
    assert vendor.calls == 10
    return stage


async def test_the_call_that_trips_gets_the_vendors_own_error() -> None:
    vendor = ScriptedVendor()
    stage = BreakerHarness(vendor, minimum_calls=1)
    vendor.always = VendorUnavailable("own words", retry_after=3)  # aiobreaker: CircuitBreakerError
    with pytest.raises(VendorUnavailable) as refusal:
        await stage.send()
    assert (str(refusal.value), refusal.value.retry_after) == ("own words", 3)


async def test_an_open_breaker_makes_no_call_and_reports_its_remaining_time() -> None:
    vendor = ScriptedVendor()
    stage = await tripped(vendor)
    stage.time += 5
    email = an_email()
    with pytest.raises(VendorUnavailable) as refusal:
        await stage.chain.send(email)

    assert refusal.value.retry_after == 10
    assert vendor.calls == 10
    assert stage.attempt_log.pop(email.delivery) == ()


async def test_of_five_hundred_waiting_calls_one_is_the_probe() -> None:
    vendor = ScriptedVendor()
    stage = await tripped(vendor)
    go = asyncio.Event()

    async def answer() -> str:
        await go.wait()
        return "id"

    vendor.always = answer
    stage.time += 15
    async with under_way(*(stage.send() for _ in range(500))) as waiters:
        assert vendor.calls == 11  # aiobreaker: 510
        go.set()
        ends = await asyncio.gather(*waiters, return_exceptions=True)
    assert sum(isinstance(end, Accepted) for end in ends) == 1
    assert all(end.retry_after for end in ends if isinstance(end, VendorUnavailable))

    vendor.always = "id"
    await asyncio.gather(*(stage.send() for _ in range(100)))
    assert vendor.calls == 111  # closed again


async def test_a_failed_probe_means_another_whole_rest() -> None:
    vendor = ScriptedVendor()
    stage = await tripped(vendor)
    stage.time += 15
    await stage.fail()
    stage.time += 14.9
    await stage.fail()
    assert vendor.calls == 11
    stage.time += 0.1
    await stage.fail()
    assert vendor.calls == 12


async def test_a_cancelled_probe_gives_its_permit_back() -> None:
    vendor = ScriptedVendor()
    stage = await tripped(vendor)
    stage.time += 15
    vendor.always = wait_for_ever
    async with under_way(stage.send()):
        await stage.fail()
    assert vendor.calls == 11

    vendor.always = "id"
    assert await stage.send()


async def test_failures_that_come_late_do_not_prolong_the_rest() -> None:
    vendor, late = ScriptedVendor(), asyncio.Event()

    async def fail_late() -> str:
        await late.wait()
        raise DOWN

    vendor.answers = [fail_late] * 20
    stage = BreakerHarness(vendor, minimum_calls=10, open_seconds=15.0)
    async with under_way(*(stage.send() for _ in range(20))) as slow:
        vendor.always = DOWN
        await stage.fail(10)
        stage.time += 10
        late.set()
        await asyncio.gather(*slow, return_exceptions=True)
    stage.time += 5  # aiobreaker: open for another ten seconds

    vendor.always = "id"
    assert await stage.send()


@pytest.mark.parametrize("outcome", ["a failure", "a success"])
async def test_a_call_from_before_the_rest_says_nothing_about_the_probe(outcome: str) -> None:
    vendor, late = ScriptedVendor(), asyncio.Event()

    async def come_late() -> str:
        await late.wait()
        if outcome == "a failure":
            raise DOWN
        return "id"

    vendor.answers = [come_late]
    stage = BreakerHarness(vendor, minimum_calls=10, open_seconds=15.0)
    async with under_way(stage.send()) as slow:
        vendor.always = DOWN
        await stage.fail(10)
        stage.time += 15
        vendor.always = wait_for_ever
        async with under_way(stage.send()):
            late.set()
            await asyncio.gather(*slow, return_exceptions=True)
            await stage.fail()  # still half-open: neither closed nor open for another while
        vendor.always = "id"
        assert await stage.send()


async def test_successes_from_before_the_rest_do_not_embellish_what_comes_after() -> None:
    vendor, late = ScriptedVendor(), asyncio.Event()

    async def succeed_late() -> str:
        await late.wait()
        return "id"

    vendor.answers = [succeed_late] * 30
    stage = BreakerHarness(vendor, minimum_calls=10, open_seconds=15.0)
    async with under_way(*(stage.send() for _ in range(30))) as slow:
        vendor.always = DOWN
        await stage.fail(10)
        stage.time += 15
        vendor.always = "id"
        await stage.send()
        late.set()
        await asyncio.gather(*slow)
    vendor.always = DOWN
    await stage.fail(20)
    assert vendor.calls == 30 + 10 + 1 + 10


async def test_after_a_rest_the_count_begins_anew() -> None:
    vendor = ScriptedVendor()
    stage = await tripped(vendor)
    stage.time += 15
    vendor.always = "id"
    await stage.send()
    vendor.always = DOWN
    await stage.fail(9)
    vendor.always = "id"
    assert await stage.send()


async def test_a_rejection_is_neither_failure_nor_success() -> None:
    vendor = ScriptedVendor(*[Rejected("bad")] * 50, *[DOWN] * 9)
    stage = BreakerHarness(vendor, minimum_calls=10)
    await stage.fail(50, Rejected)
    await stage.fail(9)
    vendor.always = DOWN
    await stage.fail()  # the tenth that counts
    await stage.fail()
    assert vendor.calls == 60


async def test_a_rejected_probe_leaves_the_question_open() -> None:
    vendor = ScriptedVendor()
    stage = await tripped(vendor)
    stage.time += 15
    vendor.always = Rejected("bad")  # aiobreaker: a success, which admits all waiting calls
    await stage.fail(1, Rejected)
    vendor.always = DOWN
    await stage.fail(2)
    assert vendor.calls == 12


async def test_an_unknown_outcome_is_a_failure() -> None:
    vendor = ScriptedVendor()
    vendor.always = OutcomeUnknown("silence")
    stage = BreakerHarness(vendor, minimum_calls=10)
    await stage.fail(10, OutcomeUnknown)
    await stage.fail(1, VendorUnavailable)
    assert vendor.calls == 10


async def test_an_expired_deadline_is_a_failure() -> None:
    vendor = ScriptedVendor()
    vendor.always = wait_for_ever
    stage = BreakerHarness(vendor, minimum_calls=3, deadline_seconds=0.001)
    await stage.fail(3, OutcomeUnknown)
    await stage.fail(1, VendorUnavailable)
    assert vendor.calls == 3


async def test_a_cancelled_call_counts_as_nothing() -> None:
    vendor = ScriptedVendor()
    vendor.always = wait_for_ever
    stage = BreakerHarness(vendor, minimum_calls=1)
    async with under_way(*(stage.send() for _ in range(50))):
        assert vendor.calls == 50
    vendor.always = "id"
    assert await stage.send()


async def test_the_wall_clock_is_never_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiobreaker.state.datetime", None)
    monkeypatch.setattr("aiobreaker.circuitbreaker.datetime", None)
    vendor = ScriptedVendor()
    stage = await tripped(vendor)
    await stage.fail()
    stage.time += 15
    await stage.fail()
    stage.time += 15
    vendor.always = "id"
    assert await stage.send()


async def test_an_answer_that_took_too_long_counts_as_a_failure_and_is_an_answer_all_the_same() -> None:
    vendor = ScriptedVendor()
    stage = BreakerHarness(vendor, minimum_calls=10, window_seconds=1_000.0, slow_seconds=5.0, open_seconds=15.0)

    def taking(seconds: float) -> Answer:
        async def answer() -> str:
            stage.time += seconds
            return "id"

        return answer

    vendor.always = taking(5.0)
    for _ in range(10):
        assert await stage.send()
    vendor.always = taking(5.1)
    for _ in range(10):
        assert await stage.send()
    await stage.fail()

    stage.time += 15
    assert await stage.send()  # a slow probe…
    await stage.fail()  # …is a failed one
    assert vendor.calls == 21


async def test_a_long_good_day_takes_no_memory() -> None:
    stage = BreakerHarness(ScriptedVendor(), window_seconds=30)

    async def pass_by(seconds: int) -> int:
        for _ in range(seconds):
            stage.time += 1
            await stage.send()
            await asyncio.sleep(0)  # the event loop drops its timers
        return tracemalloc.get_traced_memory()[0]

    stage.attempt_log.record = lambda *_: None  # type: ignore[method-assign]
    tracemalloc.start()
    try:
        in_the_morning = await pass_by(200)
        assert await pass_by(5_000) - in_the_morning < 20_000
    finally:
        tracemalloc.stop()


async def test_a_call_queued_before_the_breaker_opened_is_not_made() -> None:
    vendor = ScriptedVendor()

    async def fail_soon() -> str:
        await asyncio.sleep(0)
        raise DOWN

    vendor.always = fail_soon
    stage = BreakerHarness(vendor, minimum_calls=10, max_in_flight=5)
    await asyncio.gather(*(stage.send() for _ in range(500)), return_exceptions=True)
    assert vendor.calls <= 10 + 5


async def test_each_vendor_has_its_own_breaker() -> None:
    first, second = ScriptedVendor(), ScriptedVendor()
    first.always = DOWN
    stage = BreakerHarness(first, second, minimum_calls=10)
    for _ in range(20):
        assert (await stage.send()).id == "id"
    assert (first.calls, second.calls) == (10, 20)


# -- capacity: the number of calls that the vendors would accept now


async def test_free_capacity_excludes_calls_in_flight() -> None:
    vendor = ScriptedVendor()
    vendor.always = wait_for_ever
    stage = BreakerHarness(vendor, max_in_flight=10)
    async with under_way(*(stage.send() for _ in range(4))):
        assert (stage.chain.capacity(), stage.chain.cooldown_seconds()) == (6, 0.0)
    assert stage.chain.capacity() == 10


async def test_a_message_waiting_for_its_retry_is_in_flight() -> None:
    stage = BreakerHarness(ScriptedVendor(DOWN), max_in_flight=10, max_attempts=3)
    stage.patience = asyncio.Event()
    async with under_way(stage.send()):
        assert stage.chain.capacity() == 9


async def test_an_open_breaker_has_no_capacity_and_a_half_open_one_has_one() -> None:
    vendor = ScriptedVendor()
    stage = await tripped(vendor)
    assert (stage.chain.capacity(), stage.chain.cooldown_seconds()) == (0, 15.0)
    stage.time += 15
    assert (stage.chain.capacity(), stage.chain.cooldown_seconds()) == (1, 0.0)
    vendor.always = wait_for_ever
    async with under_way(stage.send()):
        assert stage.chain.capacity() == 0


async def test_after_recovery_capacity_starts_at_one_and_doubles_every_second() -> None:
    vendor = ScriptedVendor()
    stage = await tripped(vendor, max_in_flight=10)
    stage.time += 15
    vendor.always = "id"
    rooms = []
    for _ in range(5):
        await stage.send()
        await stage.send()
        rooms.append(stage.chain.capacity())
        stage.time += 1
    assert rooms == [2, 4, 8, 10, 10]


async def test_time_alone_is_no_reason_to_ask_for_more() -> None:
    vendor = ScriptedVendor()
    stage = await tripped(vendor, max_in_flight=10)
    stage.time += 15
    vendor.always = "id"
    await stage.send()
    stage.time += 60
    assert stage.chain.capacity() == 2


async def test_failover_vendors_have_capacity_while_the_first_breaker_is_open() -> None:
    first, second = ScriptedVendor(), ScriptedVendor()
    first.always = DOWN
    stage = BreakerHarness(first, second, minimum_calls=10, max_in_flight=8, open_seconds=15.0)
    assert stage.chain.capacity() == 8
    for _ in range(10):
        await stage.send()
    assert (stage.chain.capacity(), stage.chain.cooldown_seconds()) == (8, 0.0)
    stage.time += 15
    assert stage.chain.capacity() == 1 + 8


async def test_breaker_state_is_reported_per_vendor_and_as_metrics() -> None:
    stage = BreakerHarness(ScriptedVendor(), ScriptedVendor(), minimum_calls=10, open_seconds=15.0)
    first = stage.vendors[0]
    first.always = DOWN
    for _ in range(12):
        await stage.send()

    resting, asked = stage.chain.standings()
    assert (resting.vendor, resting.breaker, resting.failure_percent) == ("vendor-0", Breaker.OPEN, 100)
    assert (resting.calls, resting.rests_until) == (10, NOON + timedelta(seconds=15))
    assert (asked.vendor, asked.breaker, asked.calls, asked.rests_until) == ("vendor-1", Breaker.CLOSED, 12, None)
    told = generate_latest().decode()
    assert 'bursar_vendor_breaker{channel="email",vendor="vendor-0"} 2.0' in told
    assert 'bursar_vendor_breaker{channel="email",vendor="vendor-1"} 0.0' in told
    assert 'bursar_vendor_calls_total{channel="email",outcome="unavailable",vendor="vendor-0"}' in told


# -- retries, with backoff's defects


async def test_a_vendor_that_was_unavailable_is_asked_again() -> None:
    stage = BreakerHarness(ScriptedVendor(DOWN, DOWN, "third"), max_attempts=3)
    assert (await stage.send()).id == "third"
    assert len(stage.slept) == 2


@pytest.mark.parametrize("tries", [1, 2, 3])
async def test_there_are_at_most_so_many_tries(tries: int) -> None:
    vendor = ScriptedVendor()
    vendor.always = DOWN
    await BreakerHarness(vendor, max_attempts=tries).fail()
    assert vendor.calls == tries


async def test_waits_are_random_and_grow() -> None:
    vendor = ScriptedVendor()
    vendor.always = DOWN
    stage = BreakerHarness(
        vendor, max_attempts=3, retry_base_seconds=0.2, retry_budget_percent=300, minimum_calls=10**6
    )
    await stage.fail(300)

    first, second = stage.slept[::2], stage.slept[1::2]
    assert 0.15 < max(first) <= 0.2 < 0.3 < max(second) <= 0.4
    assert min(first) < 0.05
    assert min(second) < 0.1


@pytest.mark.parametrize("asked", [0.5, 2.0])
async def test_a_retry_waits_for_the_retry_after_of_the_vendor(asked: float) -> None:
    vendor = ScriptedVendor()
    vendor.always = VendorUnavailable("slow down", retry_after=asked)
    stage = BreakerHarness(vendor, max_attempts=3, retry_budget_percent=300, minimum_calls=10**6)
    for _ in range(100):
        await stage.fail()
        stage.time += asked  # the wait that the last answer asked for

    assert len(stage.slept) == 200
    assert min(stage.slept) >= asked  # backoff: jitter starts at zero


async def test_a_long_wait_is_left_to_the_queue() -> None:
    vendor = ScriptedVendor(VendorUnavailable("slow down", retry_after=2.1))
    stage = BreakerHarness(vendor, max_attempts=3)
    with pytest.raises(VendorUnavailable) as refusal:
        await stage.send()
    assert (vendor.calls, stage.slept, refusal.value.retry_after) == (1, [], 2.1)


@pytest.mark.parametrize("final", [OutcomeUnknown("silence"), Rejected("bad"), KeyError("a bug")])
async def test_only_what_was_certainly_not_done_is_done_again(final: Exception) -> None:
    vendor = ScriptedVendor()
    vendor.always = final
    await BreakerHarness(vendor, max_attempts=5).fail(1, type(final))
    assert vendor.calls == 1


@pytest.mark.parametrize("together", [True, False])
async def test_a_thousand_failing_calls_cause_at_most_twelve_hundred_attempts(together: bool) -> None:
    vendor = ScriptedVendor()
    vendor.always = DOWN
    stage = BreakerHarness(vendor, max_attempts=3, retry_budget_percent=20, minimum_calls=10**6)
    if together:
        await asyncio.gather(*(stage.send() for _ in range(1_000)), return_exceptions=True)
    else:
        await stage.fail(1_000)
    assert 1_190 <= vendor.calls <= 1_200


async def test_calls_refused_before_sending_add_nothing_to_the_retry_budget() -> None:
    vendor, deputy = ScriptedVendor(), ScriptedVendor()
    stage = BreakerHarness(vendor, deputy, max_attempts=2, minimum_calls=10, open_seconds=1.0, retry_budget_percent=20)
    vendor.always = DOWN
    for _ in range(1_000):
        await stage.send()
    stage.time += 1
    vendor.always = "id"
    await stage.send()
    vendor.answers = [DOWN] * 9
    before = vendor.calls
    await asyncio.gather(*(stage.send() for _ in range(9)))
    assert vendor.calls - before <= 9 + 1


async def test_the_budget_is_one_of_the_window_and_not_of_a_lifetime() -> None:
    vendor = ScriptedVendor()
    vendor.always = DOWN
    stage = BreakerHarness(vendor, max_attempts=2, retry_budget_percent=20, minimum_calls=10**6, window_seconds=30)
    await stage.fail(1_000)
    stage.time += 30
    before = vendor.calls
    await stage.fail(100)
    assert 100 < vendor.calls - before <= 120


async def test_a_first_failure_of_the_day_may_be_retried() -> None:
    assert await BreakerHarness(ScriptedVendor(DOWN, "id"), max_attempts=2, retry_budget_percent=20).send()


async def test_no_budget_means_no_retries() -> None:
    vendor = ScriptedVendor(DOWN)
    await BreakerHarness(vendor, max_attempts=3, retry_budget_percent=0).fail()
    assert vendor.calls == 1


async def test_nothing_is_waited_for_while_the_breaker_is_open() -> None:
    vendor = ScriptedVendor()
    vendor.always = DOWN
    stage = BreakerHarness(vendor, max_attempts=3, minimum_calls=3, open_seconds=15.0)
    await stage.fail()
    stage.time += 14.5  # such a short pause would be accepted if the vendor asked for it
    await stage.fail()
    assert (vendor.calls, len(stage.slept)) == (3, 2)


async def test_what_vendors_say_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    vendor = ScriptedVendor()
    vendor.always = VendorUnavailable("aarav.sharma@example.org is over quota")
    await BreakerHarness(vendor, max_attempts=3).fail(20)
    assert "aarav" not in caplog.text


# -- answers about recipients and about our account


@pytest.mark.parametrize(
    "answer",
    [Rejected("landline"), RecipientUnavailable("450"), RecipientNotAllowed("21408"), AccountFault("401")],
    ids=repr,
)
async def test_only_an_answer_about_the_vendor_moves_the_breaker(answer: Exception) -> None:
    vendor = ScriptedVendor(*[answer] * 40)
    stage = BreakerHarness(vendor, minimum_calls=10, max_attempts=3, account_hold_seconds=60.0)
    for _ in range(40):
        await stage.fail(1, type(answer) if isinstance(answer, Rejected | RecipientUnavailable) else VendorUnavailable)
        stage.time += 0.0 if not isinstance(answer, AccountFault) else 60.0

    assert (vendor.calls, stage.slept) == (40, [])
    assert stage.chain.standings()[0].breaker is Breaker.CLOSED
    assert await stage.send()


async def test_a_refused_account_is_probed_by_one_message_at_a_time_and_reported() -> None:
    vendor = ScriptedVendor()
    vendor.always = AccountFault("ses answered 403")
    stage = BreakerHarness(vendor, account_hold_seconds=60.0, max_in_flight=10)
    before = metric("bursar_vendor_account_faults_total")
    await stage.fail(100)

    [standing] = stage.chain.standings()
    assert (vendor.calls, stage.chain.capacity(), stage.chain.cooldown_seconds()) == (1, 0, 60.0)
    assert (standing.reason, standing.rests_until) == ("ses answered 403", NOON + timedelta(seconds=60))
    assert (metric("bursar_vendor_held"), metric("bursar_vendor_account_faults_total") - before) == (1.0, 1.0)

    stage.time += 60
    assert stage.chain.capacity() == 1
    vendor.always = wait_for_ever
    async with under_way(*(stage.send() for _ in range(20))):
        assert vendor.calls == 2
    vendor.always = "id"
    assert await stage.send()
    assert await stage.send()
    assert metric("bursar_vendor_held") == 0.0


def metric(name: str) -> float:
    """Return a metric of the first vendor of the harness."""
    label = f'{name}{{channel="email",vendor="vendor-0"}} '
    return next(float(line.removeprefix(label)) for line in generate_latest().decode().split("\n") if label in line)


@pytest.mark.parametrize("error", [VendorUnavailable, OutcomeUnknown])
async def test_retry_after_holds_every_message_and_others_go_to_the_next_vendor(error: Any) -> None:
    first, second = ScriptedVendor(error("busy", retry_after=30.0)), ScriptedVendor()
    stage = BreakerHarness(first, second, minimum_calls=10, max_in_flight=8)
    if error is OutcomeUnknown:
        await stage.fail(1, OutcomeUnknown)
    for _ in range(20):
        assert await stage.send()

    assert (first.calls, stage.chain.capacity()) == (1, 8)
    held, asked = stage.chain.standings()
    assert (held.breaker, held.rests_until, held.reason) == (Breaker.CLOSED, NOON + timedelta(seconds=30), "busy")
    assert (asked.rests_until, asked.reason) == (None, "")
    stage.time += 30
    await stage.send()
    await stage.send()
    assert first.calls == 3


async def test_an_acceptance_from_before_the_retry_after_does_not_end_the_hold() -> None:
    vendor, late = ScriptedVendor(), asyncio.Event()

    async def succeed_late() -> str:
        await late.wait()
        return "id"

    vendor.answers = [succeed_late, VendorUnavailable("busy", retry_after=30.0)]
    stage = BreakerHarness(vendor)
    async with under_way(stage.send()) as slow:
        await stage.fail()
        late.set()
        await asyncio.gather(*slow)
    await stage.fail()
    assert vendor.calls == 2


@pytest.mark.parametrize("kind", [AccountFault, RecipientNotAllowed])
async def test_what_one_account_may_not_send_another_vendor_sends(kind: Any) -> None:
    first, second = ScriptedVendor(), ScriptedVendor()
    first.always = kind("not allowed")
    stage = BreakerHarness(first, second)
    for _ in range(10):
        assert await stage.send()
    assert second.calls == 10
    assert stage.chain.standings()[0].reason == "not allowed"


async def test_a_recipient_who_cannot_be_reached_is_not_tried_through_another_vendor() -> None:
    first, second = ScriptedVendor(RecipientUnavailable("mailbox full")), ScriptedVendor()
    await BreakerHarness(first, second, max_attempts=3).fail(1, RecipientUnavailable)
    assert (first.calls, second.calls) == (1, 0)


async def test_when_no_recipient_is_accepted_ten_messages_per_second_are_tried() -> None:
    vendor = ScriptedVendor()
    vendor.always = RecipientNotAllowed("relaying denied")
    stage = BreakerHarness(vendor)
    for _ in range(200):
        with pytest.raises((RecipientNotAllowed, VendorUnavailable)):
            await stage.send()
    assert vendor.calls == 50
    stage.time += 0.1
    await stage.fail(1, RecipientNotAllowed)
    await stage.fail()
    assert vendor.calls == 51
    stage.time += 0.1
    vendor.always = "id"
    await stage.send()
    await stage.send()
    assert vendor.calls == 53


async def test_before_each_call_the_reports_are_looked_at() -> None:
    reported = False

    async def still_claimed() -> bool:
        return not reported

    async def refuse() -> str:
        nonlocal reported
        reported = True  # a callback arrives before the retry, or before the next vendor is called
        raise DOWN

    first, second = ScriptedVendor(), ScriptedVendor()
    first.always = refuse
    stage = BreakerHarness(first, second, max_attempts=3)
    with pytest.raises(AlreadyReported):
        await stage.chain.send(replace(an_email(), still_claimed=still_claimed))
    assert (first.calls, second.calls) == (1, 0)


# -- bulkhead, deadline, failover, journal


async def test_no_more_calls_than_allowed_are_under_way() -> None:
    vendor = ScriptedVendor()

    async def take_a_moment() -> str:
        await asyncio.sleep(0)
        return "id"

    vendor.always = take_a_moment
    stage = BreakerHarness(vendor, max_in_flight=7)
    await asyncio.gather(*(stage.send() for _ in range(100)))
    assert (vendor.calls, vendor.busiest) == (100, 7)


async def test_waiting_calls_are_served_first_in_first_out() -> None:
    served: list[DeliveryId] = []

    class Noting(Sender[Email]):
        async def send(self, message: Email) -> Accepted:
            served.append(message.delivery)
            await asyncio.sleep(0)
            return Accepted("a vendor", "id")

    emails = [an_email() for _ in range(50)]
    policy = a_policy(max_in_flight=3)
    bulkhead = Bulkhead(Noting(), policy, RateBreaker("a vendor", policy, lambda: 0.0))
    await asyncio.gather(*(bulkhead.send(email) for email in emails))
    assert served == [email.delivery for email in emails]


async def test_waiting_for_a_bulkhead_permit_does_not_consume_the_deadline() -> None:
    vendor, go = ScriptedVendor(), asyncio.Event()

    async def answer() -> str:
        await go.wait()
        return "id"

    vendor.always = answer
    stage = BreakerHarness(vendor, max_in_flight=1, deadline_seconds=0.5)
    loop = asyncio.get_running_loop()
    async with under_way(stage.send(), stage.send()) as (first, second):
        started = loop.time()
        assert isinstance((await asyncio.gather(first, return_exceptions=True))[0], OutcomeUnknown)
        assert loop.time() - started >= 0.4
        go.set()
        assert isinstance(await second, Accepted)  # its half second began when it got the permit


async def test_a_vendor_that_does_not_answer_in_time_leaves_the_outcome_unknown() -> None:
    vendor, email = ScriptedVendor(wait_for_ever), an_email()
    stage = BreakerHarness(vendor, deadline_seconds=0.001, max_attempts=3)
    with pytest.raises(OutcomeUnknown):
        await stage.chain.send(email)

    (attempt,) = stage.attempt_log.pop(email.delivery)
    assert (attempt.outcome, attempt.vendor, attempt.at) == (AttemptOutcome.UNKNOWN, "vendor-0", NOON)
    assert vendor.busy == 0


async def test_failover_uses_the_next_vendor_and_records_both_attempts() -> None:
    first, second, email = ScriptedVendor(DOWN), ScriptedVendor("second's"), an_email()
    stage = BreakerHarness(first, second)
    assert (await stage.chain.send(email)).id == "second's"

    attempts = stage.attempt_log.pop(email.delivery)
    assert [(attempt.vendor, attempt.outcome, attempt.detail) for attempt in attempts] == [
        ("vendor-0", AttemptOutcome.UNAVAILABLE, "down"),
        ("vendor-1", AttemptOutcome.ACCEPTED, "second's"),
    ]


@pytest.mark.parametrize("final", [OutcomeUnknown("silence"), Rejected("bad")])
async def test_a_message_with_an_unknown_outcome_does_not_fail_over(final: Exception) -> None:
    first, second = ScriptedVendor(final), ScriptedVendor()
    await BreakerHarness(first, second).fail(1, type(final))
    assert (first.calls, second.calls) == (1, 0)


@pytest.mark.parametrize(("waits", "soonest"), [((30.0, 5.0), 5.0), ((30.0, None), None), ((None, None), None)])
async def test_when_every_vendor_is_unavailable_the_shortest_retry_after_is_reported(
    waits: tuple[float | None, ...], soonest: float | None
) -> None:
    vendors = [ScriptedVendor(VendorUnavailable("busy", retry_after=wait)) for wait in waits]
    with pytest.raises(VendorUnavailable) as refusal:
        await BreakerHarness(*vendors).send()
    assert refusal.value.retry_after == soonest


async def test_a_call_cut_short_is_written_down_as_unknown() -> None:
    vendor, email = ScriptedVendor(wait_for_ever), an_email()
    stage = BreakerHarness(vendor)
    async with under_way(stage.chain.send(email)):
        assert vendor.calls == 1
    (attempt,) = stage.attempt_log.pop(email.delivery)
    assert (attempt.outcome, attempt.detail) == (AttemptOutcome.UNKNOWN, "CancelledError")


async def test_a_bug_is_loud_and_leaves_the_outcome_unknown() -> None:
    email = an_email()
    stage = BreakerHarness(ScriptedVendor(KeyError("MessageId")))
    with pytest.raises(KeyError):
        await stage.chain.send(email)
    assert [attempt.outcome for attempt in stage.attempt_log.pop(email.delivery)] == [AttemptOutcome.UNKNOWN]


@pytest.mark.parametrize(
    "limit", ["max_attempts", "max_in_flight", "deadline_seconds", "window_seconds", "failure_percent"]
)
def test_a_limit_of_nothing_is_no_limit_and_is_refused(limit: str) -> None:
    with pytest.raises(ValueError, match=limit):
        a_policy(**{limit: 0})


def test_a_channel_without_vendors_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        BreakerHarness()


def test_settings_and_policy_use_the_same_words() -> None:
    assert {field.name for field in fields(ResiliencePolicy)} == set(Resilience.__struct_fields__)


async def test_no_vendor_is_called_after_the_deadline() -> None:
    vendor, deputy = ScriptedVendor(), ScriptedVendor()
    stage = BreakerHarness(vendor, deputy)

    with pytest.raises(VendorUnavailable, match="claim or the message expired"):
        await stage.chain.send(replace(an_email(), until=NOON))

    assert (vendor.calls, deputy.calls) == (0, 0)
    await stage.chain.send(replace(an_email(), until=NOON + timedelta(microseconds=1)))
    assert vendor.calls == 1

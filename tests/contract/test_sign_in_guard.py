"""Wrong passwords stop their source, on every rate limiter."""

import asyncio

import pytest

from core.identity.sessions.sign_in_guard import SignInGuard
from core.kernel.authorization import NotAuthenticated
from core.kernel.errors import Unavailable
from core.kernel.rate_limit import RateLimited, RateLimiter
from tests.contract.test_rate_limiter import limiter, patient
from tests.examples import ids

__all__ = ["limiter", "patient"]
HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture
def guard(limiter: RateLimiter) -> SignInGuard:
    return SignInGuard(limiter, wrong_passwords=10, wrong_passwords_per_address=100)


@pytest.fixture
def account() -> str:
    return f"asha-{ids.new()}@example.org"


@pytest.fixture
def here() -> str:
    """Return an address that no other test has used in the shared Redis."""
    number = ids.new().hex
    return f"2001:db8:{number[20:24]}:{number[24:28]}::7"


async def sign_in(guard: SignInGuard, account: str, address: str, error: Exception | None = None) -> str:
    """Return what an attempt comes to; the check of its secret takes a while."""
    try:
        async with guard.attempt(account, address):
            await asyncio.sleep(0)
            if error:
                raise error
    except (NotAuthenticated, RateLimited, Unavailable) as failure:
        return failure.problem
    return "signed in"


async def guesses(guard: SignInGuard, accounts: list[str], address: str) -> list[str]:
    """Return the outcomes of parallel wrong passwords."""
    return await asyncio.gather(*(sign_in(guard, each, address, NotAuthenticated()) for each in accounts))


async def test_parallel_guesses_do_not_slip_past_the_counter(guard: SignInGuard, account: str, here: str) -> None:
    outcomes = await guesses(guard, [account] * 50, here)

    assert (outcomes.count("not-authenticated"), outcomes.count("rate-limited")) == (10, 40)
    assert await sign_in(guard, account, here) == "rate-limited"


async def test_wrong_passwords_stop_their_source_and_not_the_person_elsewhere(
    guard: SignInGuard, account: str, here: str
) -> None:
    await guesses(guard, [account] * 100, here)

    assert await sign_in(guard, account, here.replace("::7", "::8")) == "rate-limited"
    assert await sign_in(guard, account, ELSEWHERE) == "signed in"
    assert await sign_in(guard, f"other-{account}", here) == "signed in"


async def test_a_source_that_tries_many_accounts_is_stopped(guard: SignInGuard, account: str, here: str) -> None:
    outcomes = await guesses(guard, [f"{number}-{account}" for number in range(150)], here)

    assert (outcomes.count("not-authenticated"), outcomes.count("rate-limited")) == (100, 50)
    assert await sign_in(guard, account, here) == "rate-limited"
    assert await sign_in(guard, account, ELSEWHERE) == "signed in"


async def test_an_office_signs_in_as_often_as_it_likes(guard: SignInGuard, account: str, here: str) -> None:
    for number in range(300):
        assert await sign_in(guard, f"{number % 3}-{account}", here) == "signed in"


async def test_signing_in_as_oneself_buys_no_guesses(guard: SignInGuard, account: str, here: str) -> None:
    outcomes = []
    for number in range(130):
        outcomes += await guesses(guard, [f"{number}-{account}"], here)
        await sign_in(guard, f"own-{account}", here)

    assert outcomes.count("not-authenticated") == 100


async def test_an_attempt_whose_password_was_not_checked_does_not_count(
    guard: SignInGuard, account: str, here: str
) -> None:
    for _ in range(20):
        assert await sign_in(guard, account, here, Unavailable()) == "unavailable"
    assert await sign_in(guard, account, here) == "signed in"

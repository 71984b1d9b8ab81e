import asyncio
from threading import Event

import pytest

from adapters.argon2 import password_hasher
from adapters.argon2.password_hasher import MAX_WAIT_SECONDS, Argon2PasswordHasher, decoy, is_bounded
from core.identity.passwords.password_policy import MAX_PASSWORD_BYTES, new_password, normal_password
from core.kernel.errors import Invalid, Unavailable

GOOD = "harbour violet lantern 7"
COMMON = (
    "password1234", "Password@2026!", "p4ssw0rd!!1234", "qwertyuiop12", "123456789012", "9876543210123", "aaaaaaaaaaaa",
    "abcabcabcabc", "iloveyou2026", "Bharat@123456", "Welcome@12345", "Summer-Winter-2026", "1qaz2wsx3edc",
    "OmNamahShivaya1", "MumbaiIndians12!"[:13] + "!!", "administrator1",
)  # fmt: skip


@pytest.fixture
def hasher(monkeypatch):
    """Compute one at a time; three may wait, as long as a busy machine takes."""
    monkeypatch.setattr(password_hasher, "DEADLINE_SECONDS", 60)
    return Argon2PasswordHasher(threads=1, seconds_per_hash=MAX_WAIT_SECONDS / 3)


@pytest.mark.parametrize("password", COMMON)
def test_a_common_password_is_refused_in_its_variants(password):
    with pytest.raises(Invalid, match=r"common"):
        new_password(password)


@pytest.mark.parametrize(
    "password",
    [GOOD, "correct horse battery staple", "kjh3-9sd2-akq8", "802174913658", "नमस्ते दुनिया यहाँ", "tr0ub4dor&3xyz"],
)
def test_a_password_of_unrelated_words_or_characters_is_accepted(password):
    assert new_password(password)


def test_a_password_that_is_the_name_of_the_account_is_refused():
    with pytest.raises(Invalid):
        new_password("meenakshi.iyer1", "meenakshi.iyer")


def test_a_short_password_is_refused():
    with pytest.raises(Invalid, match="at least 12 characters"):
        new_password("k3-9sd2-akq")


@pytest.mark.parametrize("password", ["x" * 1_025, "é" * 513, "x" * 1_000_000, "\u0958" * 342, "\ud800" * 12])
def test_a_password_beyond_the_limit_is_refused_before_it_is_hashed(hasher, password, monkeypatch):
    monkeypatch.setattr(hasher, "_in_thread", pytest.fail)

    for use in (hasher.hash(password), hasher.verify(password, None)):
        with pytest.raises(Invalid):
            asyncio.run(use)


def test_a_password_of_the_greatest_length_is_accepted():
    assert normal_password("é" * (MAX_PASSWORD_BYTES // 2))


async def test_a_password_typed_on_another_keyboard_matches(hasher):
    stored = await hasher.hash("Zo\u00eb likes mangoes")

    assert await hasher.verify("Zoe\u0308 likes mangoes", stored)
    assert not await hasher.verify("Zoe likes mangoes", stored)


@pytest.mark.parametrize(
    "stored",
    [
        "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g",
        "$argon2id$v=19$m=19456,t=4000,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g",
        "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$aA",
        "$2b$12$abcdefghijklmnopqrstuv",
        "",
    ],
)
async def test_a_stored_hash_with_parameters_out_of_bounds_matches_nothing(hasher, stored):
    assert not is_bounded(stored)
    assert not await hasher.verify(GOOD, stored)


async def test_a_hash_of_other_parameters_is_outdated(hasher):
    today = await hasher.hash(GOOD)

    assert not hasher.is_outdated(today)
    assert hasher.is_outdated(today.replace("t=2", "t=1"))


async def test_passwords_beyond_the_queue_are_refused_with_a_time(hasher):
    going_on = Event()
    waiting = [asyncio.create_task(hasher._in_thread(going_on.wait)) for _ in range(1 + 3)]
    await asyncio.sleep(0)

    with pytest.raises(Unavailable) as refused:
        await hasher.verify(GOOD, None)
    going_on.set()
    await asyncio.gather(*waiting)

    assert refused.value.retry_after == 2
    assert not await hasher.verify(GOOD, None), "the queue has room again"


async def test_the_slower_hashes_are_the_fewer_may_wait():
    hasher = Argon2PasswordHasher(threads=1, seconds_per_hash=0.01)
    await hasher._in_thread(lambda: Event().wait(0.05))

    assert hasher._seconds_per_hash > 0.01


async def test_a_password_that_is_not_checked_in_time_is_refused(hasher, monkeypatch):
    monkeypatch.setattr(password_hasher, "DEADLINE_SECONDS", 0.01)
    going_on = Event()
    hasher._threads.submit(going_on.wait)

    with pytest.raises(Unavailable, match="in time"):
        await hasher.verify(GOOD, None)
    going_on.set()


async def test_cancelled_requests_leave_the_queue(hasher):
    for _ in range(10):
        request = asyncio.create_task(hasher.verify(GOOD, None))
        await asyncio.sleep(0)
        request.cancel()
        await asyncio.wait({request})
    async with asyncio.timeout(5):
        while hasher._admitted:
            await asyncio.sleep(0)

    assert not await hasher.verify(GOOD, None)


async def test_the_hash_for_unknown_accounts_costs_what_a_new_hash_does(hasher):
    assert is_bounded(decoy())
    assert not hasher.is_outdated(decoy())

"""Second factors, sign-in with them, and the step up, on each kind of persistence."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.totp.time_codes import PyotpTimeCodes
from config.container import Application
from core.audit.ports import AuditFilter
from core.identity.account import NewAccount
from core.identity.api_key import NewApiKey
from core.identity.errors import (
    NoSecondFactor,
    SecondFactorEnrolled,
    SecondFactorNeeded,
    SessionEnded,
    WrongCredentials,
)
from core.identity.passwords.password_method import PasswordCredential
from core.identity.roles import Role
from core.identity.sessions.session_issuer import Proof
from core.kernel.authorization import MAX_PROOF_AGE, SYSTEM, NotAuthenticated, StepUpNeeded, acting_as
from core.kernel.errors import CoreError, Invalid
from core.kernel.rate_limit import RateLimited
from tests.unit.identity.harness import GOOD_PASSWORD, Authenticator, Office

STEP = timedelta(seconds=30)
TOTP = ("pwd", "otp", "mfa")
RFC_6238_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.fixture
async def office(stored: Application) -> Office:
    return await Office.over(stored).open()


@pytest.fixture
async def tokens(office: Office):
    await office.with_password()
    return await sign_in(office)


@pytest.fixture
async def app(office: Office, tokens) -> Authenticator:
    """Return the app of an account that enrolled, two steps after its first code."""
    app = await office.with_second_factor(tokens)
    office.clock.pass_by(2 * STEP)
    return app


async def sign_in(office, code="", address="", password=GOOD_PASSWORD):
    credential = PasswordCredential(login="meenakshi", password=password)
    return await office.identity.sign_in(credential, code=code, address=address)


async def outcome(acting):
    """Return the result or the type of the error."""
    try:
        return await acting
    except CoreError as error:
        return type(error)


async def by(office, tokens, use_case, *arguments, **named):
    """Call a use case as the account of a token."""
    with acting_as(await office.principal(tokens)):
        return await use_case(*arguments, **named)


def methods(office, tokens):
    return office.application.identity.access_tokens().verify(tokens.access_token).methods


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_rfc_6238(seconds, code):
    codes = PyotpTimeCodes("Bursar")
    at, step = datetime.fromtimestamp(seconds, UTC), seconds // 30

    assert codes.step(RFC_6238_SECRET, code, at, after=0) == step
    assert codes.step(RFC_6238_SECRET, code, at, after=step) is None
    assert {codes.step(RFC_6238_SECRET, code, at + moved, after=0) for moved in (STEP, -STEP)} == {step}
    assert {codes.step(RFC_6238_SECRET, code, at + 2 * moved, after=0) for moved in (STEP, -STEP)} == {None}


def test_secrets_are_random_and_read_by_apps():
    codes = PyotpTimeCodes("SU Pune")

    assert len({codes.new_secret() for _ in range(100)}) == 100
    assert len(codes.new_secret()) == 32
    assert codes.uri(RFC_6238_SECRET, "Asha") == (
        f"otpauth://totp/SU%20Pune:Asha?secret={RFC_6238_SECRET}&issuer=SU%20Pune"
    )


async def test_an_account_with_a_second_factor_signs_in_with_a_code_only(office, tokens, app):
    assert await outcome(sign_in(office)) is SecondFactorNeeded
    assert await outcome(sign_in(office, "000000")) is WrongCredentials
    assert await outcome(sign_in(office, app.code(), password="wrong")) is WrongCredentials
    signed_in = await sign_in(office, app.code())

    assert methods(office, signed_in) == TOTP
    refreshed = await office.identity.refresh_session(signed_in.refresh_token)
    assert methods(office, refreshed) == TOTP


async def test_wrong_codes_are_on_record_at_sign_in_and_at_a_step_up(office, tokens, app):
    caller = await office.principal(tokens)
    assert await outcome(sign_in(office, "000000", "192.0.2.7")) is WrongCredentials
    assert await outcome(by(office, tokens, office.identity.step_up, code="000000")) is WrongCredentials

    found = await office.application.audit.trail().newest(AuditFilter(outcome="wrong-credentials"), None, 10)
    assert [(each.actor, each.account, each.action, each.target, each.address) for each in found] == [
        (caller.subject, caller.account, "step-up", "", ""),
        ("anonymous", None, "sign-in", f"account/{caller.account}", "192.0.2.7"),
    ]


async def test_before_it_is_confirmed_a_second_factor_is_not_asked_for(office, tokens):
    await by(office, tokens, office.identity.enrol_second_factor)

    assert methods(office, await sign_in(office)) == ("pwd",)
    assert methods(office, await sign_in(office, "123456")) == ("pwd",)


@pytest.mark.parametrize(("steps", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_the_code_of_the_step_before_and_of_the_next_is_accepted(office, app, steps, accepted):
    office.clock.pass_by(5 * STEP)
    result = await outcome(sign_in(office, app.code(steps)))

    assert (result is not WrongCredentials) is accepted


async def test_a_code_works_once_and_so_do_those_before_it(office, app):
    await sign_in(office, app.code(1))

    for steps in (1, 0, -1):
        assert await outcome(sign_in(office, app.code(steps))) is WrongCredentials


async def test_twenty_parallel_uses_of_a_code_open_one_session(office, app):
    results = await asyncio.gather(*(outcome(sign_in(office, app.code(), f"203.0.113.{each}")) for each in range(20)))

    assert results.count(WrongCredentials) == 19


@pytest.mark.parametrize("is_recovery", [False, True])
async def test_twenty_sessions_that_step_up_with_one_code_at_the_same_time_are_one(office, tokens, app, is_recovery):
    account = (await office.principal(tokens)).account
    issuer, code = office.application.identity.session_issuer(), app.recovery_codes[0] if is_recovery else app.code()
    proof = Proof(account=account, methods=("oidc",), is_complete=True)
    principals = [
        replace(await office.principal(await issuer.open(proof)), address=f"203.0.113.{number}") for number in range(20)
    ]

    async def step_up(principal):
        with acting_as(principal):
            return await outcome(office.identity.step_up(code=code))

    results = await asyncio.gather(*map(step_up, principals))

    assert results.count(WrongCredentials) == 19


async def test_a_second_factor_that_is_being_used_is_waited_for(office, tokens, app):
    new_work, account = office.application.identity.new_work, (await office.principal(tokens)).account

    async def read():
        async with new_work() as work:
            return await work.second_factors.lock(account)

    async with new_work() as work:
        factor = await work.second_factors.lock(account)
        reading = asyncio.create_task(read())
        assert await asyncio.wait({reading}, timeout=0.2) == (set(), {reading})
        work.second_factors.replace(factor.after_step(7_000_000_000))
        await work.commit()

    assert (await reading).last_step == 7_000_000_000


async def test_each_recovery_code_works_once_however_it_is_written(office, app):
    assert len({*app.recovery_codes}) == 10
    for code in app.recovery_codes[:2]:
        results = await asyncio.gather(*(outcome(sign_in(office, each)) for each in (code, code.lower())))
        assert results.count(WrongCredentials) == 1
    assert methods(office, await sign_in(office, app.recovery_codes[9].replace("-", " "))) == TOTP


async def test_what_is_shown_once_is_not_stored_in_clear(office, tokens, app):
    async with office.application.identity.new_work() as work:
        stored = await work.second_factors.lock((await office.principal(tokens)).account)

    assert (stored.secret, len(stored.recovery_digests)) == (app.secret, 10)
    assert not any(each in f"{stored!r}" for each in (app.secret, *app.recovery_codes))


async def test_a_hundred_parallel_guesses_do_not_slip_past_the_counter(office, tokens, app):
    guesses = [f"{number:06}" for number in range(100)]
    results = await asyncio.gather(
        *(outcome(by(office, tokens, office.identity.step_up, code=each)) for each in guesses)
    )

    assert (results.count(WrongCredentials), results.count(RateLimited)) == (10, 90)
    assert await outcome(by(office, tokens, office.identity.step_up, code=app.code())) is RateLimited


async def test_guesses_from_many_addresses_end_for_the_day(office, app):
    addresses = [f"198.51.100.{number}" for number in range(11) for _ in range(10)]
    results = await asyncio.gather(*(outcome(sign_in(office, "000000", address)) for address in addresses))

    assert (results.count(WrongCredentials), results.count(RateLimited)) == (100, 10)


async def test_a_missing_code_costs_no_attempt(office, app):
    for _ in range(15):
        assert await outcome(sign_in(office)) is SecondFactorNeeded
    await sign_in(office, app.code())


async def later(office, tokens):
    """Return the tokens of a session when its proof is no longer fresh."""
    office.clock.pass_by(MAX_PROOF_AGE + timedelta(seconds=1))
    return await office.identity.refresh_session(tokens.refresh_token)


async def test_a_step_up_is_fresh_for_fifteen_minutes_and_survives_a_refresh(office, tokens, app):
    aged = await later(office, tokens)
    assert not (await office.principal(aged)).fresh
    stepped_up = await by(office, aged, office.identity.step_up, code=app.code())
    assert (await office.principal(stepped_up)).fresh
    refreshed = await office.identity.refresh_session(aged.refresh_token)
    assert (await office.principal(refreshed)).fresh
    assert not (await office.principal(aged)).fresh

    too_late = await later(office, refreshed)
    assert not (await office.principal(too_late)).fresh
    assert methods(office, too_late) == TOTP


async def test_without_a_second_factor_a_password_is_fresh_for_fifteen_minutes(office, tokens):
    assert (await office.principal(tokens)).fresh
    assert await outcome(by(office, tokens, office.identity.step_up, code="123456")) is NoSecondFactor
    assert not (await office.principal(await later(office, tokens))).fresh


async def test_an_identity_provider_proves_nothing_fresh_and_asks_for_no_code(office, tokens, app):
    account = (await office.principal(tokens)).account
    issuer = office.application.identity.session_issuer()
    foreign = await issuer.open(Proof(account=account, methods=("oidc",), is_complete=True))

    assert not (await office.principal(foreign)).fresh
    stepped_up = await by(office, foreign, office.identity.step_up, code=app.code())
    assert (await office.principal(stepped_up)).fresh


async def test_confirming_and_removing_end_the_other_sessions(office, tokens):
    other = await sign_in(office)
    app = await office.with_second_factor(tokens)
    assert await outcome(office.principal(other)) is SessionEnded
    office.clock.pass_by(STEP)
    another = await sign_in(office, app.code())
    await by(office, tokens, office.identity.remove_second_factor)

    assert await outcome(office.principal(another)) is SessionEnded
    assert methods(office, await sign_in(office)) == ("pwd",)
    await office.principal(tokens)


async def test_a_second_factor_is_enrolled_soon_after_a_sign_in_confirmed_in_time_and_not_replaced(office, tokens):
    identity = office.identity
    assert await outcome(by(office, await later(office, tokens), identity.enrol_second_factor)) is StepUpNeeded
    tokens = await sign_in(office)
    assert await outcome(by(office, tokens, identity.confirm_second_factor, code="123456")) is NoSecondFactor
    old = await by(office, tokens, identity.enrol_second_factor)
    app = Authenticator((await by(office, tokens, identity.enrol_second_factor)).secret, office.clock)
    wrong = Authenticator(old.secret, office.clock).code()
    assert await outcome(by(office, tokens, identity.confirm_second_factor, code=wrong)) is WrongCredentials
    aged = await later(office, tokens)
    assert await outcome(by(office, aged, identity.confirm_second_factor, code=app.code())) is NoSecondFactor
    tokens = await sign_in(office)
    await office.with_second_factor(tokens)

    assert await outcome(by(office, tokens, identity.enrol_second_factor)) is SecondFactorEnrolled


async def test_first_enrolments_at_the_same_time_are_each_answered(office, tokens):
    enrolled = [outcome(by(office, tokens, office.identity.enrol_second_factor)) for _ in range(20)]

    assert [hasattr(each, "secret") for each in await asyncio.gather(*enrolled)] == [True] * 20


async def test_two_first_enrolments_at_the_same_time_leave_one(office, tokens):
    enrolled = await asyncio.gather(*(by(office, tokens, office.identity.enrol_second_factor) for _ in range(2)))
    codes = [Authenticator(each.secret, office.clock).code() for each in enrolled]

    confirmed = [await outcome(by(office, tokens, office.identity.confirm_second_factor, code=code)) for code in codes]
    assert [hasattr(each, "recovery_codes") for each in confirmed].count(True) == 1


async def test_an_administrator_resets_a_second_factor_and_every_session_ends(office, tokens, app):
    account = (await office.principal(tokens)).account
    await office.identity.reset_second_factor(account)

    assert await outcome(office.principal(tokens)) is SessionEnded
    assert methods(office, await sign_in(office)) == ("pwd",)
    assert await outcome(office.identity.reset_second_factor(account)) is NoSecondFactor


@pytest.mark.parametrize("code", ["", "12345", "1" * 41, "१२३४५६", "123456\n", "\ud800" * 6])
async def test_what_no_code_can_be_is_refused_before_it_is_counted(office, tokens, app, code):
    for _ in range(11):
        assert await outcome(by(office, tokens, office.identity.step_up, code=code)) is Invalid
    await by(office, tokens, office.identity.step_up, code=app.code())


async def test_deeds_that_give_power_need_a_fresh_proof_and_no_api_key_has_one(office):
    identity = office.identity
    administrator = await office.with_password("root", role=Role.ADMINISTRATOR)
    tokens = await office.identity.sign_in(PasswordCredential(login="root", password=GOOD_PASSWORD))
    fresh, aged = await office.principal(tokens), await office.principal(await later(office, tokens))
    key = await identity.create_api_key(NewApiKey(account=administrator.id, name="portal"))
    by_key = await identity.authenticate_api_key(key.credential)
    for principal, expected in ((aged, StepUpNeeded), (by_key, StepUpNeeded), (fresh, None), (SYSTEM, None)):
        account = await office.account()
        deeds = [
            (identity.create_api_key, NewApiKey(account=account.id, name="portal")),
            (identity.create_password_link, account.id, f"login-{account.id}"),
            (identity.create_account, NewAccount(roles=(Role.ADMINISTRATOR,), name="Another")),
        ]
        with acting_as(principal):
            found = [await outcome(deed(*arguments)) for deed, *arguments in deeds]
            await identity.create_account(NewAccount(roles=(Role.OFFICER,), name="Gives no power"))
        assert [each is StepUpNeeded for each in found] == [expected is StepUpNeeded] * 3


async def test_a_caller_without_a_session_has_no_second_factor(office, tokens, app):
    identity, code = office.identity, {"code": app.code()}
    without = replace(await office.principal(tokens), session=None)
    for use, named in (
        (identity.enrol_second_factor, {}), (identity.confirm_second_factor, code), (identity.step_up, code),
        (identity.remove_second_factor, {}),
    ):  # fmt: skip
        with acting_as(without), pytest.raises(NotAuthenticated):
            await use(**named)

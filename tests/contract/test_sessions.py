"""Sign-in and sessions on each kind of persistence."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from uuid import UUID, uuid4

import pytest

from config.container import Application
from config.sections.http import Limits
from core.audit.ports import AuditFilter
from core.identity.account import AccountId, AccountRoles
from core.identity.errors import (
    LinkNotValid,
    LoginTaken,
    RefreshTokenReused,
    SessionEnded,
    UnknownAccount,
    UnknownSession,
    WrongCredentials,
)
from core.identity.passwords.password_method import PasswordCredential
from core.identity.roles import PERMISSIONS, Role
from core.identity.session import GRACE, SessionId
from core.identity.sessions.end_sessions import end_all
from core.identity.sessions.refused_sign_ins import KEY, LIMIT
from core.identity.sessions.session_issuer import Proof
from core.identity.sessions.session_watch import SessionWatch
from core.kernel.authorization import ANONYMOUS, NotAuthenticated, NotPermitted, Permission, acting_as
from core.kernel.errors import Conflict, CoreError, Unavailable
from core.kernel.rate_limit import RateLimited
from tests.unit.identity.harness import GOOD_PASSWORD, Office

LATER = GRACE + timedelta(seconds=1)
ANOTHER_PASSWORD = "copper meadow umbrella 9"


@pytest.fixture
async def office(stored: Application) -> Office:
    return await Office.over(stored).open()


@pytest.fixture
async def tokens(office: Office):
    return await office.signed_in(await office.account())


def other_process(office: Office) -> SessionWatch:
    """Return the watch of a process that ends no session itself."""
    identity = office.application.identity
    return SessionWatch(identity.session_views(), identity.access_tokens(), office.clock)


async def outcome(acting):
    """Return the result or the type of the error."""
    try:
        return await acting
    except NotAuthenticated as error:
        return type(error)


async def sign_in(office, login="meenakshi", password=GOOD_PASSWORD):
    return await office.identity.sign_in(PasswordCredential(login=login, password=password))


async def test_a_refresh_gives_new_tokens_of_the_same_session(office, tokens):
    refreshed = await office.identity.refresh_session(tokens.refresh_token)

    assert refreshed.session == tokens.session
    assert refreshed.refresh_token != tokens.refresh_token
    assert (await office.principal(refreshed)).session == tokens.session


async def test_twenty_simultaneous_refreshes_have_one_successor(office, tokens):
    answers = await asyncio.gather(*(office.identity.refresh_session(tokens.refresh_token) for _ in range(20)))

    assert len({each.refresh_token for each in answers}) == 1
    await office.identity.refresh_session(answers[0].refresh_token)


async def test_a_used_token_repeats_its_successor_within_the_grace(office, tokens):
    first = await office.identity.refresh_session(tokens.refresh_token)
    office.clock.pass_by(GRACE)

    assert (await office.identity.refresh_session(tokens.refresh_token)).refresh_token == first.refresh_token


async def test_a_used_token_after_its_grace_ends_the_session_for_good(office, tokens):
    successor = await office.identity.refresh_session(tokens.refresh_token)
    office.clock.pass_by(LATER)
    elsewhere = other_process(office)

    assert await outcome(office.identity.refresh_session(tokens.refresh_token)) is RefreshTokenReused
    assert await outcome(office.identity.refresh_session(successor.refresh_token)) is SessionEnded
    assert await outcome(office.principal(successor)) is SessionEnded
    claims = office.application.identity.access_tokens().verify(successor.access_token)
    assert await outcome(elsewhere.check(claims)) is SessionEnded


async def test_uses_of_one_old_token_at_once_end_the_session_once(office, tokens):
    await office.identity.refresh_session(tokens.refresh_token)
    office.clock.pass_by(LATER)
    refusals = await asyncio.gather(*(outcome(office.identity.refresh_session(tokens.refresh_token)) for _ in range(9)))

    assert set(refusals) <= {RefreshTokenReused, SessionEnded}
    assert len(await recorded(office, "end-session")) == 1


async def test_the_grace_is_over_once_the_successor_was_used(office, tokens):
    second = await office.identity.refresh_session(tokens.refresh_token)
    third = await office.identity.refresh_session(second.refresh_token)

    assert await outcome(office.identity.refresh_session(tokens.refresh_token)) is RefreshTokenReused
    assert await outcome(office.identity.refresh_session(third.refresh_token)) is SessionEnded


async def test_a_thief_and_an_owner_who_race_cannot_both_stay(office, tokens):
    owner = await office.identity.refresh_session(tokens.refresh_token)
    owner = await office.identity.refresh_session(owner.refresh_token)
    race = (office.identity.refresh_session(each) for each in (tokens.refresh_token, owner.refresh_token))

    await asyncio.gather(*map(outcome, race))

    listed = await office.application.identity.session_views().find(tokens.session)
    assert listed.ended_at


async def test_refusals_do_not_harm_refreshes_of_the_same_moment(office):
    account = await office.account()
    healthy, reused, ended, broken = [await office.signed_in(account) for _ in range(4)]
    for each in (reused, broken):
        await office.identity.refresh_session(each.refresh_token)
    office.clock.pass_by(GRACE)
    async with office.application.identity.new_work() as work:
        stored = await work.sessions.lock(broken.session)
        work.sessions.replace(replace(stored, sealed=b"not what was sealed"))
        work.sessions.replace((await work.sessions.lock(ended.session)).ended(office.clock.now()))
        work.sessions.replace(replace(await work.sessions.lock(reused.session), previous_digest=b"of another token"))
        await work.commit()

    refreshing = [office.identity.refresh_session(each.refresh_token) for each in (broken, reused, ended, healthy)]
    failed, *refused, refreshed = await asyncio.gather(*refreshing, return_exceptions=True)

    assert not isinstance(failed, CoreError)
    assert [type(each) for each in refused] == [RefreshTokenReused, SessionEnded]
    await office.principal(refreshed)
    assert (await office.application.identity.session_views().find(reused.session)).ended_at


async def test_the_text_of_a_refresh_token_is_not_stored(office, tokens):
    refreshed = await office.identity.refresh_session(tokens.refresh_token)
    stored = await office.application.identity.session_views().find(tokens.session)

    kept = stored.digest + stored.previous_digest + stored.sealed
    assert refreshed.refresh_token.encode() not in kept
    assert tokens.refresh_token.encode() not in kept


@pytest.mark.parametrize(("days", "is_open"), [(6, True), (7, False)])
async def test_a_session_expires_a_week_after_its_last_refresh(office, tokens, days, is_open):
    office.clock.pass_by(timedelta(days=days))

    result = await outcome(office.identity.refresh_session(tokens.refresh_token))
    assert (result is not SessionEnded) == is_open


async def test_no_session_outlives_thirty_days(office, tokens):
    for _ in range(5):
        office.clock.pass_by(timedelta(days=5))
        tokens = await office.identity.refresh_session(tokens.refresh_token)
    office.clock.pass_by(timedelta(days=5))

    assert await outcome(office.identity.refresh_session(tokens.refresh_token)) is SessionEnded


async def test_an_access_token_is_no_refresh_token_nor_the_reverse(office, tokens):
    with pytest.raises(NotAuthenticated):
        await office.identity.refresh_session(tokens.access_token)
    with pytest.raises(NotAuthenticated):
        await office.identity.authenticate_session(tokens.refresh_token)


async def test_an_ended_session_is_refused_by_this_process_at_once_and_by_another_after_its_reading(office, tokens):
    elsewhere = other_process(office)
    claims = office.application.identity.access_tokens().verify(tokens.access_token)
    await elsewhere.check(claims)
    with acting_as(await office.principal(tokens)):
        await office.identity.end_session(tokens.session)

    assert await outcome(office.principal(tokens)) is SessionEnded
    office.clock.pass_by(timedelta(seconds=1.1))
    assert await outcome(elsewhere.check(claims)) is SessionEnded
    assert await outcome(office.identity.refresh_session(tokens.refresh_token)) is SessionEnded


async def test_the_session_of_another_account_does_not_exist(office, tokens):
    other = await office.signed_in(await office.account())

    with acting_as(await office.principal(other)):
        for session in (tokens.session, SessionId(uuid4())):
            with pytest.raises(UnknownSession):
                await office.identity.end_session(session)
        assert [each.id for each in await office.identity.list_sessions()] == [other.session]
    await office.principal(tokens)


async def test_signing_out_everywhere_ends_every_session_of_the_account_only(office):
    account = await office.account()
    own = [await office.signed_in(account) for _ in range(3)]
    other = await office.signed_in(await office.account())

    with acting_as(await office.principal(own[1])):
        assert [each.current for each in await office.identity.list_sessions()] == [False, True, False]
        assert await office.identity.end_sessions() == 3
        assert await office.identity.list_sessions() == []
    assert {await outcome(office.principal(each)) for each in own} == {SessionEnded}
    await office.principal(other)


async def test_an_api_key_of_an_account_holds_none_of_its_sessions(office):
    account = await office.with_password()
    tokens = await sign_in(office)
    key = replace(account.principal(), api_key=uuid4())
    with acting_as(key):
        for call in (
            office.identity.list_sessions(),
            office.identity.end_sessions(),
            office.identity.end_session(tokens.session),
            office.identity.change_password(GOOD_PASSWORD, ANOTHER_PASSWORD),
        ):
            with pytest.raises(NotPermitted, match="API key"):
                await call
    await office.principal(tokens)

    with acting_as(replace(key, permissions=frozenset({Permission.ACCOUNTS_WRITE}))):
        await office.identity.end_session(tokens.session)


async def test_a_caller_without_an_account_has_no_sessions(office):
    with acting_as(ANONYMOUS):
        for call in (office.identity.list_sessions(), office.identity.end_sessions()):
            with pytest.raises(NotAuthenticated):
                await call


async def test_a_password_opens_a_session(office):
    account = await office.with_password()

    for login in ("meenakshi", "MEENAKSHI"):
        assert (await office.principal(await sign_in(office, login))).account == account.id


async def test_an_unknown_login_and_a_wrong_password_get_one_answer(office):
    await office.with_password()
    await office.identity.create_password_link((await office.account()).id, "has-no-password-yet")
    refusals = set()
    for login, password in (
        ("meenakshi", "wrong"), ("unknown", GOOD_PASSWORD), ("meenakshi", ""), ("has-no-password-yet", "")
    ):  # fmt: skip
        with pytest.raises(WrongCredentials) as refused:
            await sign_in(office, login, password)
        refusals.add(str(refused.value))

    assert len(refusals) == 1


async def test_a_disabled_account_neither_signs_in_nor_refreshes(office):
    account = await office.with_password()
    tokens = await sign_in(office)
    await office.identity.disable_account(account.id)

    assert await outcome(sign_in(office)) is WrongCredentials
    assert await outcome(office.identity.refresh_session(tokens.refresh_token)) is SessionEnded
    assert await outcome(office.principal(tokens)) is SessionEnded


async def test_an_enabled_account_signs_in_again_without_its_old_sessions_and_link(office):
    account = await office.with_password()
    tokens = await sign_in(office)
    link = await office.identity.create_password_link(account.id)
    for _ in range(2):
        await office.identity.disable_account(account.id)
    enabled = [await office.identity.enable_account(account.id) for _ in range(2)]

    assert enabled == [replace(account, version=3)] * 2
    assert await sign_in(office)
    assert await outcome(office.identity.refresh_session(tokens.refresh_token)) is SessionEnded
    assert await outcome(office.identity.set_password(link.token, ANOTHER_PASSWORD)) is LinkNotValid
    assert await recorded(office, "enable-account") == [("system", f"account/{account.id}", "done")]
    with pytest.raises(UnknownAccount):
        await office.identity.enable_account(AccountId(uuid4()))


async def test_changed_roles_end_every_session_and_are_in_the_next_token(office):
    account = await office.with_password()
    tokens, watch = await sign_in(office), other_process(office)
    changed = await office.identity.change_roles(account.id, AccountRoles(roles=(Role.CLERK,), centre="PUNE-01"))
    again = await office.identity.change_roles(account.id, AccountRoles(roles=(Role.CLERK,), centre="PUNE-01"))

    assert again == changed == replace(account, roles=frozenset({Role.CLERK}), centre="PUNE-01", version=2)
    assert await outcome(office.principal(tokens)) is SessionEnded
    office.clock.pass_by(timedelta(seconds=1))
    claims = office.application.identity.access_tokens().verify(tokens.access_token)
    assert await outcome(watch.check(claims)) is SessionEnded
    assert await outcome(office.identity.refresh_session(tokens.refresh_token)) is SessionEnded
    principal = await office.principal(await sign_in(office))
    assert (principal.permissions, principal.centre) == (PERMISSIONS[Role.CLERK], "PUNE-01")
    [record] = await office.application.audit.trail().newest(AuditFilter(action="change-roles"), None, 9)
    assert ['"officer"' in each for each in (record.before, record.after)] == [True, False]
    assert ['"PUNE-01"' in each for each in (record.before, record.after)] == [False, True]
    with pytest.raises(UnknownAccount):
        await office.identity.change_roles(AccountId(uuid4()), AccountRoles(roles=(Role.OFFICER,)))


async def test_a_sign_in_that_meets_a_change_of_roles_under_way_has_the_new_ones(office):
    account = await office.account()
    async with office.application.identity.new_work() as work:
        locked = await work.accounts.lock(account.id)
        work.accounts.replace(locked.with_roles(AccountRoles(roles=(Role.AUDITOR,))))
        signing_in = asyncio.create_task(office.signed_in(account))
        await asyncio.wait({signing_in}, timeout=0.2)
        await work.commit()

    assert (await office.principal(await signing_in)).permissions == PERMISSIONS[Role.AUDITOR]


async def test_a_sign_in_that_meets_a_disable_under_way_opens_nothing(office):
    account = await office.account()
    async with office.application.identity.new_work() as work:
        work.accounts.replace((await work.accounts.lock(account.id)).disabled())
        await end_all(work, account.id, office.clock.now())
        signing_in = asyncio.create_task(outcome(office.signed_in(account)))
        await asyncio.wait({signing_in}, timeout=0.2)
        await work.commit()

    assert await signing_in is WrongCredentials
    assert await office.application.identity.session_views().open_of(account.id, office.clock.now()) == []


async def test_the_right_password_of_a_disabled_account_is_as_wrong_as_any_other(office):
    account = await office.with_password()
    await office.identity.disable_account(account.id)
    hasher = office.application.identity.password_hasher()
    hasher.is_outdated = pytest.fail  # it would be hashed a second time
    with pytest.raises(WrongCredentials) as wrong:
        await sign_in(office, password="wrong")
    for _ in range(Limits().wrong_passwords - 1):
        with pytest.raises(WrongCredentials) as right:
            await sign_in(office)
        assert str(right.value) == str(wrong.value)

    with pytest.raises(RateLimited):
        await sign_in(office)


async def test_a_changed_password_ends_every_session(office):
    await office.with_password()
    first, second = await sign_in(office), await sign_in(office)

    with acting_as(await office.principal(first)):
        await office.identity.change_password(GOOD_PASSWORD, ANOTHER_PASSWORD)

    assert {await outcome(office.principal(each)) for each in (first, second)} == {SessionEnded}
    assert await outcome(sign_in(office)) is WrongCredentials
    await sign_in(office, password=ANOTHER_PASSWORD)


async def test_a_wrong_current_password_changes_nothing(office):
    await office.with_password()
    tokens = await sign_in(office)

    with acting_as(await office.principal(tokens)):
        assert await outcome(office.identity.change_password("wrong", ANOTHER_PASSWORD)) is WrongCredentials
    await office.principal(tokens)
    await sign_in(office)


async def test_a_password_that_changes_while_it_is_verified_opens_no_session(office):
    account = await office.with_password()
    verified = await office.application.identity.password_list().find("meenakshi")
    link = await office.identity.create_password_link(account.id)
    await office.identity.set_password(link.token, ANOTHER_PASSWORD)

    with pytest.raises(WrongCredentials):
        await office.application.identity.session_issuer().open(
            Proof(account=account.id, methods=("pwd",), password=verified, rehashed="resurrected")
        )
    await sign_in(office, password=ANOTHER_PASSWORD)


async def test_a_password_hashed_with_former_parameters_is_hashed_again(office):
    account = await office.with_password()
    verified = await office.application.identity.password_list().find("meenakshi")
    proof = Proof(account=account.id, methods=("pwd",), password=verified, rehashed="new hash")
    await office.application.identity.session_issuer().open(proof)

    assert await office.application.identity.password_list().find("meenakshi") == replace(verified, hash="new hash")


async def test_a_link_sets_a_password_once(office):
    account = await office.account()
    link = await office.identity.create_password_link(account.id, "meenakshi")
    await office.identity.set_password(link.token, GOOD_PASSWORD)

    with pytest.raises(LinkNotValid):
        await office.identity.set_password(link.token, ANOTHER_PASSWORD)
    await sign_in(office)


async def test_ten_simultaneous_uses_of_a_link_set_one_password(office):
    account = await office.account()
    link = await office.identity.create_password_link(account.id, "meenakshi")
    uses = (office.identity.set_password(link.token, f"{GOOD_PASSWORD}{number}") for number in range(10))

    assert (await asyncio.gather(*map(outcome, uses))).count(None) == 1


async def test_a_newer_link_replaces_an_older_one_and_each_expires_after_a_day(office):
    account = await office.account()
    older = await office.identity.create_password_link(account.id, "meenakshi")
    newer = await office.identity.create_password_link(account.id)
    with pytest.raises(LinkNotValid):
        await office.identity.set_password(older.token, GOOD_PASSWORD)
    office.clock.pass_by(timedelta(days=1))

    with pytest.raises(LinkNotValid):
        await office.identity.set_password(newer.token, GOOD_PASSWORD)


async def test_a_login_belongs_to_one_account(office):
    await office.with_password()
    other = await office.account()

    with pytest.raises(LoginTaken):
        await office.identity.create_password_link(other.id, "Meenakshi")
    await sign_in(office)


async def test_two_first_links_of_one_account_do_not_both_count(office):
    account = await office.account()
    await office.identity.create_password_link(account.id, "meenakshi")
    async with office.application.identity.new_work() as work:
        known = await work.passwords.lock(account.id)
        work.passwords.add(replace(known, login="another", link_digest=None))
        with pytest.raises(Conflict):
            await work.commit()


async def test_keys_rotate_without_an_end_of_sessions(office, tokens):
    new = await office.identity.rotate_signing_key()
    office.clock.pass_by(timedelta(seconds=10))
    assert len(await office.identity.list_public_keys()) == 2
    for _ in range(3):
        office.clock.pass_by(timedelta(minutes=10))
        tokens = await office.identity.refresh_session(tokens.refresh_token)
        await office.principal(tokens)
    office.clock.pass_by(timedelta(minutes=2))

    assert [new.kid in each for each in await office.identity.list_public_keys()] == [True]
    assert await office.identity.create_signing_key() is None


async def test_public_keys_are_read_beside_transactions_and_kept_for_seconds(office):
    async with office.application.identity.new_work() as work, asyncio.timeout(2):
        await work.passwords.lock(AccountId(UUID(int=7)))
        [before] = await office.identity.list_public_keys()
    new = await office.identity.rotate_signing_key()

    assert await office.identity.list_public_keys() == [before]
    office.clock.pass_by(timedelta(seconds=10))
    [_, published] = await office.identity.list_public_keys()
    assert new.kid in published


class BrokenViews:
    """Session views without their database."""

    async def ended_since(self, at):
        raise Unavailable("gone")

    async def signing_keys(self):
        raise Unavailable("gone")


async def recorded(office, action):
    """Return actor, target and outcome of each record of an action, the newest first."""
    found = await office.application.audit.trail().newest(AuditFilter(action=action), None, 1_000)
    return [(each.actor, each.target, each.outcome) for each in found]


async def test_ends_of_sessions_and_new_keys_are_on_record(office):
    account = await office.account()
    first, second = [await office.signed_in(account) for _ in range(2)]
    with acting_as(await office.principal(first)):
        await office.identity.end_session(second.session)
        with pytest.raises(UnknownSession):
            await office.identity.end_session(second.session)
        assert await office.identity.end_sessions() == 1
        assert await office.identity.end_sessions() == 0
    key = await office.identity.rotate_signing_key()

    actor, ended = f"account:{account.id}", f"session/{second.session}"
    assert await recorded(office, "end-session") == [
        (actor, str(second.session), "unknown-session"),
        (actor, ended, "done"),
    ]
    assert await recorded(office, "end-sessions") == [(actor, f"account/{account.id}", "done")]
    assert len(await recorded(office, "create-signing-key")) == 1
    assert await recorded(office, "rotate-signing-key") == [("system", f"signing-key/{key.kid}", "done")]


async def test_wrong_passwords_are_on_record_without_what_was_typed(office):
    account, disabled = await office.with_password(), await office.account()
    await office.identity.create_password_link(disabled.id, "disabled")
    await office.identity.disable_account(disabled.id)
    for login in ("Meenakshi", "disabled", "harbour.violet.lantern7", "Harbour.violet.lantern7", "another"):
        with acting_as(ANONYMOUS):
            assert await outcome(sign_in(office, login, "wrong")) is WrongCredentials

    other, same, mistyped, *known = await recorded(office, "sign-in")
    assert known == [("anonymous", f"account/{each.id}", "wrong-credentials") for each in (disabled, account)]
    assert (same == mistyped, other == same, mistyped[0]) == (True, False, "anonymous")
    assert re.fullmatch("login/[0-9a-f]{32}", mistyped[1])
    assert mistyped[1] != f"login/{sha256(b'harbour.violet.lantern7').hexdigest()[:32]}", "it is a keyed digest"


async def test_a_wrong_current_password_is_on_record_and_not_written_down(office):
    await office.with_password()
    caller = await office.principal(await sign_in(office))
    with acting_as(caller):
        assert await outcome(office.identity.change_password("wrong", ANOTHER_PASSWORD)) is WrongCredentials

    assert await recorded(office, "change-password") == [(caller.subject, "", "wrong-credentials")]


async def test_strangers_add_a_bounded_number_of_records_a_minute(office):
    refused = office.application.identity.refused_sign_ins()
    for number in range(LIMIT.permits + 5):
        if number >= LIMIT.permits - 3:
            await refused.record(f"login-{number}", None, "192.0.2.7")
        else:
            await refused.rate_limiter.acquire({KEY: LIMIT})

    assert len(await recorded(office, "sign-in")) == 3


class SlowViews:
    """Session views whose answers are 3 seconds old when they arrive."""

    def __init__(self, office):
        self.views, self.clock = office.application.identity.session_views(), office.clock
        self.asked, self.arrives = asyncio.Event(), asyncio.Event()

    async def ended_since(self, at):
        found = await self.views.ended_since(at)
        self.asked.set()
        await self.arrives.wait()
        return found

    async def signing_keys(self):
        return await self.views.signing_keys()


async def test_a_request_is_not_judged_by_a_reading_that_began_long_before_it(office, tokens):
    watch = other_process(office)
    claims = office.application.identity.access_tokens().verify(tokens.access_token)
    watch.views = SlowViews(office)
    before = asyncio.create_task(watch.check(claims))
    await watch.views.asked.wait()
    with acting_as(await office.principal(tokens)):
        await office.identity.end_session(tokens.session)
    office.clock.pass_by(timedelta(seconds=1.1))
    after = asyncio.create_task(outcome(watch.check(claims)))
    await asyncio.sleep(0)
    watch.views.arrives.set()

    await before
    assert await after is SessionEnded


@pytest.mark.parametrize(("seconds", "accepted"), [(0.9, True), (1.1, False)])
async def test_what_cannot_be_read_is_used_for_a_second_and_then_refused(office, tokens, seconds, accepted):
    watch = other_process(office)
    claims = office.application.identity.access_tokens().verify(tokens.access_token)
    await watch.check(claims)
    watch.views, readable = BrokenViews(), watch.views
    office.clock.pass_by(timedelta(seconds=seconds))

    if accepted:
        await watch.check(claims)
    else:
        with pytest.raises(Unavailable):
            await watch.check(claims)
    watch.views = readable
    office.clock.pass_by(timedelta(seconds=2))
    await watch.check(claims)  # waits for its reading, which would otherwise outlive the test


async def test_a_process_remembers_few_ends_and_refuses_the_tokens_from_before_the_others(office):
    account, other = await office.account(), await office.signed_in(await office.account())
    ended = [await office.signed_in(account) for _ in range(5)]
    with acting_as(await office.principal(ended[0])):
        await office.identity.end_sessions()
    watch = other_process(office)
    watch.max_ended = 3
    verify = office.application.identity.access_tokens().verify

    for tokens in (*ended, other):
        assert await outcome(watch.check(verify(tokens.access_token))) is SessionEnded
    office.clock.pass_by(timedelta(seconds=6))
    await watch.check(verify((await office.identity.refresh_session(other.refresh_token)).access_token))

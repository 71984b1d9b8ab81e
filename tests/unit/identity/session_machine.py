"""A state machine that opens, refreshes, races, replays and ends sessions, and compares with a naive model."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.identity.errors import RefreshTokenReused, SecondFactorNeeded, SessionEnded, WrongCredentials
from core.identity.second_factors.step_up import FreshAccess
from core.identity.session import GRACE, MAX_LIFETIME
from core.identity.sessions.session_issuer import Proof
from core.identity.tokens import SessionTokens
from core.kernel.authorization import MAX_PROOF_AGE, NotAuthenticated, Principal, acting_as
from core.kernel.errors import CoreError
from tests.examples import NOON
from tests.unit.identity.harness import Authenticator, Office

Run = Callable[[Coroutine[Any, Any, Any]], Any]
TOKEN_SECONDS = 15 * 60 + 5
WEEK = timedelta(days=7)
NUMBERS = count(1)
pauses = some.sampled_from([1, 5, 10, 11, 60, 600, 900, 86_400, 3 * 86_400, 7 * 86_400]).map(
    lambda seconds: timedelta(seconds=seconds)
)


@dataclass
class NaiveSession:
    """What is known of one session without any of the code under test."""

    account: int
    opened: datetime
    texts: list[str]
    """Its refresh tokens, the valid one last."""
    refreshed: datetime
    proved: datetime
    strong: bool = False
    """Whether its account proved the second factor in it."""
    ended: bool = False

    def is_open(self, now: datetime) -> bool:
        return not self.ended and now < min(self.refreshed + WEEK, self.opened + MAX_LIFETIME)


class SessionMachine(RuleBasedStateMachine):
    """Two accounts and their sessions, in any order of what can happen to them."""

    def __init__(self, office: Office, run: Run) -> None:
        super().__init__()
        self.office, self.run = office, run
        self.office.clock.moment = NOON
        self.sessions: dict[Any, NaiveSession] = {}
        self.access_tokens: list[tuple[Any, str, datetime, datetime]] = []
        self.apps: dict[int, Authenticator] = {}
        self.used_steps: dict[int, int] = {}

    @property
    def now(self) -> datetime:
        return self.office.clock.now()

    @initialize()
    def begin(self) -> None:
        self.run(self.office.open())
        self.accounts = [self.run(self.office.account()) for _ in range(2)]
        for number in (0, 0, 1):
            self.sign_in(number)

    @rule(number=some.integers(0, 1))
    def sign_in(self, number: int) -> None:
        tokens = self.run(self.attempt(self.office.signed_in(self.accounts[number])))
        if number in self.apps:
            assert tokens is SecondFactorNeeded
        else:
            self.note(tokens, number, strong=False)

    def note(self, tokens: SessionTokens, number: int, *, strong: bool) -> None:
        self.sessions[tokens.session] = NaiveSession(
            number, self.now, [tokens.refresh_token], self.now, self.now, strong
        )
        self.receive(tokens)

    @rule(number=some.integers(0, 1), steps=some.integers(-2, 2))
    def sign_in_with_a_code(self, number: int, steps: int) -> None:
        if number in self.apps:
            proof = Proof(account=self.accounts[number].id, methods=("pwd",), code=self.apps[number].code(steps))
            tokens = self.run(self.attempt(self.office.application.identity.session_issuer().open(proof)))
            assert isinstance(tokens, SessionTokens) == self.is_new(number, steps)
            if isinstance(tokens, SessionTokens):
                self.note(tokens, number, strong=True)

    @rule(choice=some.integers(0, 99), steps=some.integers(-2, 2), times=some.sampled_from([1, 1, 3]))
    def step_up(self, choice: int, steps: int, times: int) -> None:
        """Use one code once or several times at the same moment: at most one step up, and only for a new code."""
        session = list(self.sessions)[choice % len(self.sessions)]
        naive = self.sessions[session]
        if naive.account not in self.apps:
            return
        code = self.apps[naive.account].code(steps)
        uses = self.run(self.together([self.within(session, self.office.identity.step_up, code) for _ in range(times)]))
        done = [each for each in uses if isinstance(each, FreshAccess)]
        if not naive.is_open(self.now):
            assert {*uses} == {SessionEnded}
        elif self.is_new(naive.account, steps):
            assert len(done) == 1
            naive.proved, naive.strong = self.now, True
            self.access_tokens.append((session, done[0].access_token, self.now, self.now))
        else:
            assert {*uses} == {WrongCredentials}

    def is_new(self, number: int, steps: int) -> bool:
        """Tell whether a code is accepted, and note its use."""
        step = int(self.now.timestamp()) // 30 + steps
        accepted = abs(steps) <= 1 and step > self.used_steps[number]
        if accepted:
            self.used_steps[number] = step
        return accepted

    @rule(choice=some.integers(0, 99))
    def enrol(self, choice: int) -> None:
        session = list(self.sessions)[choice % len(self.sessions)]
        naive = self.sessions[session]
        if naive.account in self.apps or not naive.is_open(self.now) or self.now - naive.proved > MAX_PROOF_AGE:
            return
        secret = self.run(self.within(session, self.office.identity.enrol_second_factor)).secret
        app = Authenticator(secret, self.office.clock)
        self.run(self.within(session, self.office.identity.confirm_second_factor, app.code()))
        self.apps[naive.account], self.used_steps[naive.account] = app, int(self.now.timestamp()) // 30
        naive.proved, naive.strong = self.now, True
        self.end_others(naive)

    @rule(number=some.integers(0, 1))
    def reset_second_factor(self, number: int) -> None:
        done = self.run(self.attempt(self.office.identity.reset_second_factor(self.accounts[number].id)))
        assert (done is None) == (number in self.apps)
        if self.apps.pop(number, None):
            for each in self.sessions.values():
                each.ended = each.ended or (each.account == number and each.is_open(self.now))

    def end_others(self, but: NaiveSession) -> None:
        for each in self.sessions.values():
            if each is not but and each.account == but.account and each.is_open(self.now):
                each.ended = True

    async def within(self, session: Any, call: Callable[..., Coroutine[Any, Any, Any]], code: str = "") -> Any:
        account = self.accounts[self.sessions[session].account].id
        address = f"2001:db8:{next(NUMBERS) % 0xFFFF:x}::7"  # another one each time: wrong codes are limited elsewhere
        principal = Principal(subject="account", account=account, session=session, address=address)
        with acting_as(principal):
            return await (call(code=code) if code else call())

    @rule(pause=pauses)
    def pass_by(self, pause: timedelta) -> None:
        self.office.clock.pass_by(pause)

    @rule()
    def rotate_keys(self) -> None:
        self.run(self.office.identity.rotate_signing_key())

    @rule(choice=some.integers(0, 99), back=some.integers(0, 3), times=some.sampled_from([1, 1, 1, 2, 5]))
    def refresh(self, choice: int, back: int, times: int) -> None:
        """Use one token once or several times at the same moment: the valid one, or an earlier one of its session."""
        session = list(self.sessions)[choice % len(self.sessions)]
        naive = self.sessions[session]
        text = naive.texts[max(0, len(naive.texts) - 1 - back)]
        expected = self.expected(naive, text)
        uses = self.run(self.together([self.office.identity.refresh_session(text) for _ in range(times)]))

        if expected is None:
            successors = {each.refresh_token for each in uses}
            assert len(successors) == 1, "one successor"
            naive.texts += [each for each in successors if each not in naive.texts]
            for tokens in uses:
                self.receive(tokens)
        else:
            assert uses[0] is expected
            assert {*uses[1:]} <= {SessionEnded, expected}

    def expected(self, naive: NaiveSession, text: str) -> type[NotAuthenticated] | None:
        """Return the refusal, and note what the use of a token changes."""
        if not naive.is_open(self.now):
            return SessionEnded
        age = len(naive.texts) - 1 - naive.texts.index(text)
        if age == 0:
            naive.refreshed = self.now
            return None
        if age == 1 and self.now <= naive.refreshed + GRACE:
            return None
        naive.ended = True
        return RefreshTokenReused

    @rule(choice=some.integers(0, 99), by=some.integers(0, 1))
    def end(self, choice: int, by: int) -> None:
        session = list(self.sessions)[choice % len(self.sessions)]
        naive = self.sessions[session]
        exists = naive.is_open(self.now) and naive.account == by
        done = self.run(self.attempt(self.by(by, self.office.identity.end_session, session)))
        assert (done is None) == exists
        naive.ended = naive.ended or exists

    @rule(by=some.integers(0, 1))
    def end_all(self, by: int) -> None:
        own = [each for each in self.sessions.values() if each.account == by and each.is_open(self.now)]
        assert self.run(self.by(by, self.office.identity.end_sessions)) == len(own)
        for each in own:
            each.ended = True

    @rule(number=some.integers(0, 1))
    def disable(self, number: int) -> None:
        """Disable an account while it signs in, and let a new one take its place."""
        account = self.accounts[number]
        self.apps.pop(number, None)
        racing = [self.office.signed_in(account), self.office.identity.disable_account(account.id)]
        opened, _ = self.run(self.together(racing))
        if isinstance(opened, SessionTokens):
            self.sessions[opened.session] = NaiveSession(number, self.now, [opened.refresh_token], self.now, self.now)
            self.receive(opened)
        assert self.run(self.attempt(self.office.signed_in(account))) is WrongCredentials
        for each in self.sessions.values():
            each.ended = each.ended or (each.account == number and each.is_open(self.now))
        assert not self.run(self.by(number, self.office.identity.list_sessions))
        self.accounts[number] = self.run(self.office.account())

    @rule(choice=some.integers(0, 99), as_refresh=some.booleans())
    def act(self, choice: int, as_refresh: bool) -> None:
        """Use an access token: it is valid while its session is, and for its own time."""
        session, text, issued, proved = self.access_tokens[-1 - choice % len(self.access_tokens)]
        age = (self.now - issued.replace(microsecond=0)).total_seconds()
        if as_refresh:
            assert self.run(self.attempt(self.office.identity.refresh_session(text))) is NotAuthenticated
        acted = self.run(self.attempt(self.office.identity.authenticate_session(text)))
        assert isinstance(acted, Principal) == (age < TOKEN_SECONDS and not self.sessions[session].ended)
        if isinstance(acted, Principal):
            assert acted.fresh == (self.now - proved.replace(microsecond=0) <= MAX_PROOF_AGE)
            assert self.sessions[session].strong or self.sessions[session].account not in self.apps

    @invariant()
    def the_open_sessions_are_listed(self) -> None:
        for number in range(len(getattr(self, "accounts", ()))):
            listed = {each.id for each in self.run(self.by(number, self.office.identity.list_sessions))}
            own = {key for key, each in self.sessions.items() if each.account == number and each.is_open(self.now)}
            assert listed == own

    async def by(self, number: int, call: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> Any:
        with acting_as(Principal(subject="account", account=self.accounts[number].id)):
            return await call(*arguments)

    def receive(self, tokens: SessionTokens) -> None:
        proved = self.sessions[tokens.session].proved
        self.access_tokens.append((tokens.session, tokens.access_token, self.now, proved))

    async def together(self, acting: list[Coroutine[Any, Any, Any]]) -> list[Any]:
        return await asyncio.gather(*(self.attempt(each) for each in acting))

    @staticmethod
    async def attempt(acting: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await acting
        except CoreError as error:
            return type(error)

"""A state machine that opens, refreshes, races, replays and ends sessions, and compares with a naive model."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.identity.errors import RefreshTokenReused, SessionEnded, WrongCredentials
from core.identity.session import GRACE, MAX_LIFETIME
from core.identity.tokens import SessionTokens
from core.kernel.authorization import NotAuthenticated, Principal, acting_as
from core.kernel.errors import CoreError
from tests.examples import NOON
from tests.unit.identity.harness import Office

Run = Callable[[Coroutine[Any, Any, Any]], Any]
TOKEN_SECONDS = 15 * 60 + 5
WEEK = timedelta(days=7)
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
        self.access_tokens: list[tuple[Any, str, datetime]] = []

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
        tokens = self.run(self.office.signed_in(self.accounts[number]))
        self.sessions[tokens.session] = NaiveSession(number, self.now, [tokens.refresh_token], self.now)
        self.receive(tokens)

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
        racing = [self.office.signed_in(account), self.office.identity.disable_account(account.id)]
        opened, _ = self.run(self.together(racing))
        if isinstance(opened, SessionTokens):
            self.sessions[opened.session] = NaiveSession(number, self.now, [opened.refresh_token], self.now)
            self.receive(opened)
        assert self.run(self.attempt(self.office.signed_in(account))) is WrongCredentials
        for each in self.sessions.values():
            each.ended = each.ended or (each.account == number and each.is_open(self.now))
        assert not self.run(self.by(number, self.office.identity.list_sessions))
        self.accounts[number] = self.run(self.office.account())

    @rule(choice=some.integers(0, 99), as_refresh=some.booleans())
    def act(self, choice: int, as_refresh: bool) -> None:
        """Use an access token: it is valid while its session is, and for its own time."""
        session, text, issued = self.access_tokens[-1 - choice % len(self.access_tokens)]
        age = (self.now - issued.replace(microsecond=0)).total_seconds()
        if as_refresh:
            assert self.run(self.attempt(self.office.identity.refresh_session(text))) is NotAuthenticated
        acted = self.run(self.attempt(self.office.identity.authenticate_session(text)))
        assert isinstance(acted, Principal) == (age < TOKEN_SECONDS and not self.sessions[session].ended)

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
        self.access_tokens.append((tokens.session, tokens.access_token, self.now))

    async def together(self, acting: list[Coroutine[Any, Any, Any]]) -> list[Any]:
        return await asyncio.gather(*(self.attempt(each) for each in acting))

    @staticmethod
    async def attempt(acting: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await acting
        except CoreError as error:
            return type(error)

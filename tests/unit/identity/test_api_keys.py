import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from adapters.memory.identity.api_keys import MemoryIssuedApiKeys
from adapters.memory.rate_limiter import MemoryRateLimiter
from config.settings import Adapters, Settings
from core.identity.account import NewAccount
from core.identity.api_key import IssuedApiKey, NewApiKey, OwnedApiKey
from core.identity.api_keys.authenticate_api_key import AuthenticateApiKey
from core.identity.api_keys.known_api_keys import KnownApiKeys
from core.identity.credential import ApiKeyId, checksum, key_of, new_credential
from core.identity.errors import AccountDisabled, UnknownAccount, UnknownApiKey
from core.identity.roles import PERMISSIONS, Role
from core.kernel.authorization import NotAuthenticated, NotPermitted, Permission, Principal, acting_as
from core.kernel.errors import Invalid, Unavailable, Unprocessable
from core.kernel.rate_limit import RateLimited
from core.messaging.routing import Routes
from tests.applications import an_application
from tests.examples import StoppedClock, ids

UNKNOWN_PER_ADDRESS = 20


class CountedApiKeys(MemoryIssuedApiKeys):
    """Counts the queries of one process, and fails on demand."""

    queries, out_of_order = 0, False

    async def revision(self) -> int:
        self._count()
        return await super().revision()

    async def find(self, key: ApiKeyId) -> OwnedApiKey | None:
        self._count()
        return await super().find(key)

    def _count(self) -> None:
        self.queries += 1
        if self.out_of_order:
            raise Unavailable("no connection")


class KeysHarness:
    """Issues keys in one process, and verifies them in another that shares the database."""

    def __init__(self) -> None:
        settings = Settings(adapters=Adapters(persistence="memory"))
        self.clock, application = StoppedClock(), an_application(settings, Routes())
        application.process.clock.override(self.clock)
        self.identity = application.use_cases().identity
        self.database = CountedApiKeys(application.storage.memory())
        self.authenticate = AuthenticateApiKey(
            KnownApiKeys(self.database, MemoryRateLimiter(self.clock), UNKNOWN_PER_ADDRESS, 3), self.clock
        )

    async def issue(self, role: Role = Role.SERVICE, **fields: Any) -> IssuedApiKey:
        account = await self.identity.create_account(NewAccount(roles=(role,), name="A portal"))
        return await self.identity.create_api_key(NewApiKey(account=account.id, name="tests", **fields))

    async def used_at(self) -> list[Any]:
        return [key.used_at for key in (await self.identity.list_api_keys(None, None, 100)).items]


@pytest.fixture
def harness() -> KeysHarness:
    return KeysHarness()


async def test_a_key_acts_for_its_account_with_its_permissions(harness: KeysHarness) -> None:
    issued = await harness.issue(permissions=(Permission.SUBMISSIONS_WRITE,))

    principal = await harness.authenticate(issued.credential, "192.0.2.7")

    assert principal.subject == f"account:{issued.key.account}"
    assert (principal.permissions, principal.address) == ({Permission.SUBMISSIONS_WRITE}, "192.0.2.7")
    assert issued.credential not in repr(issued)


async def test_a_key_without_choice_has_what_its_account_has_for_a_year(harness: KeysHarness) -> None:
    issued = await harness.issue()

    assert issued.key.permissions == PERMISSIONS[Role.SERVICE]
    assert issued.key.expires_at - issued.key.created_at == timedelta(days=365)


def replaced(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


FORGERIES: dict[str, Callable[[str], str]] = {
    "checksum": lambda key: replaced(key, -1),
    "secret": lambda key: replaced(key, 40),
    "secret, with its checksum": lambda key: replaced(key[:-6], 40) + checksum(replaced(key[:-6], 40)),
    "id, with its checksum": lambda key: replaced(key[:-6], 20) + checksum(replaced(key[:-6], 20)),
    "case": str.swapcase,
    "line break": lambda key: key + "\n",
    "space": lambda key: " " + key,
    "no key": lambda _: "",
    "other digits": lambda key: key.replace(key[-1], "\u0661"),
    "a surrogate": lambda key: key[:-1] + "\udc80",
    "a megabyte": lambda key: key * 14_000,
    "an id beyond 128 bits": lambda key: "bursar_" + "z" * 65 + checksum("bursar_" + "z" * 65),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_a_forged_key_is_refused(harness: KeysHarness, forge: Callable[[str], str]) -> None:
    issued = await harness.issue()

    with pytest.raises(NotAuthenticated, match="no API key of this office"):
        await harness.authenticate(forge(issued.credential))


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (lambda harness, issued: harness.identity.revoke_api_key(issued.key.id), "revoked"),
        (lambda harness, issued: harness.identity.disable_account(issued.key.account), "disabled"),
    ],
)
async def test_within_a_second_no_process_accepts_what_has_ended(harness: KeysHarness, end: Any, why: str) -> None:
    issued = await harness.issue()
    await harness.authenticate(issued.credential)
    await end(harness, issued)

    await asyncio.sleep(1.0)

    with pytest.raises(NotAuthenticated, match=why):
        await harness.authenticate(issued.credential)


async def test_a_key_expires_without_notice(harness: KeysHarness) -> None:
    issued = await harness.issue(days=1)
    await harness.authenticate(issued.credential)

    harness.clock.pass_by(timedelta(days=1))

    with pytest.raises(NotAuthenticated, match="expired at 2026-11-21T12:30Z"):
        await harness.authenticate(issued.credential)


async def test_a_known_key_costs_no_query_and_no_invented_one_does(harness: KeysHarness) -> None:
    issued = await harness.issue()
    await harness.authenticate(issued.credential)
    before = harness.database.queries

    for number in range(1_000):
        await harness.authenticate(issued.credential)
        with pytest.raises(NotAuthenticated):
            await harness.authenticate(f"bursar_{number:071}")

    assert harness.database.queries == before


async def test_invented_keys_with_a_checksum_stop_their_address_and_known_keys_go_on(harness: KeysHarness) -> None:
    known, unread = await harness.issue(), await harness.issue()
    await harness.authenticate(known.credential, "192.0.2.7")
    before, invented = harness.database.queries, [new_credential(ApiKeyId(ids.new())) for _ in range(300)]

    for _ in range(2):
        told = await asyncio.gather(
            *(harness.authenticate(each, "192.0.2.7") for each in invented), return_exceptions=True
        )
        assert {type(each) for each in told} == {NotAuthenticated, RateLimited}
    assert harness.database.queries - before == UNKNOWN_PER_ADDRESS
    assert (await harness.authenticate(known.credential, "192.0.2.7")).account == known.key.account
    assert (await harness.authenticate(unread.credential, "192.0.2.8")).account == unread.key.account

    harness.clock.pass_by(timedelta(minutes=2))
    with pytest.raises(NotAuthenticated):
        await harness.authenticate(invented[-1], "192.0.2.7")


async def test_one_invented_key_costs_one_query(harness: KeysHarness) -> None:
    invented = new_credential(ApiKeyId(ids.new()))
    for _ in range(3 * UNKNOWN_PER_ADDRESS):
        with pytest.raises(NotAuthenticated):
            await harness.authenticate(invented, "192.0.2.7")

    assert harness.database.queries <= 2


async def test_more_keys_than_the_limit_begin_at_once_from_one_address(harness: KeysHarness) -> None:
    issued = [await harness.issue() for _ in range(3 * UNKNOWN_PER_ADDRESS)]

    principals = await asyncio.gather(*(harness.authenticate(each.credential, "192.0.2.7") for each in issued))

    assert [each.account for each in principals] == [each.key.account for each in issued]


async def test_the_revision_is_read_at_most_twice_a_second(harness: KeysHarness) -> None:
    issued = await harness.issue()
    for _ in range(100):
        await harness.authenticate(issued.credential)
        await asyncio.sleep(0.1)

    assert harness.database.queries <= 22


async def test_a_process_that_cannot_read_revocations_accepts_no_key(harness: KeysHarness) -> None:
    issued = await harness.issue()
    await harness.authenticate(issued.credential)
    harness.database.out_of_order = True

    await asyncio.sleep(1.0)
    results = await asyncio.gather(*(harness.authenticate(issued.credential) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in results] == [Unavailable] * 3

    harness.database.out_of_order = False
    assert (await harness.authenticate(issued.credential)).account == issued.key.account


async def test_more_keys_than_a_process_keeps_are_all_accepted(harness: KeysHarness) -> None:
    issued = [await harness.issue() for _ in range(5)]

    for each in [*issued, *issued]:
        assert (await harness.authenticate(each.credential)).account == each.key.account


async def test_the_last_use_is_recorded_once_a_minute(harness: KeysHarness) -> None:
    issued, begin = await harness.issue(), harness.clock.now()
    for _ in range(4):
        await harness.authenticate(issued.credential)
        await asyncio.sleep(0)
        harness.clock.pass_by(timedelta(seconds=25))
        assert await harness.used_at() in ([begin], [begin + timedelta(seconds=75)])

    assert await harness.used_at() == [begin + timedelta(seconds=75)]


async def test_a_key_is_given_no_more_than_its_account_and_its_creator_have(harness: KeysHarness) -> None:
    with pytest.raises(Unprocessable, match="stock:write") as refused:
        await harness.issue(Role.AUDITOR, permissions=(Permission.STOCK_WRITE,))
    assert refused.value.at == "$.permissions"

    service = (await harness.issue()).key.account
    creator = Principal(
        subject="x", permissions=frozenset({Permission.API_KEYS_WRITE, Permission.STOCK_READ}), fresh=True
    )
    with acting_as(creator):
        with pytest.raises(NotPermitted, match="stock:write"):
            await harness.identity.create_api_key(
                NewApiKey(account=service, name="x", permissions=(Permission.STOCK_WRITE,))
            )
        narrowed = await harness.identity.create_api_key(NewApiKey(account=service, name="x"))
    assert narrowed.key.permissions == {Permission.STOCK_READ}


async def test_what_does_not_exist_gets_no_key(harness: KeysHarness) -> None:
    account = (await harness.issue()).key.account
    await harness.identity.disable_account(account)

    with pytest.raises(AccountDisabled):
        await harness.identity.create_api_key(NewApiKey(account=account, name="x"))
    with pytest.raises(UnknownAccount):
        await harness.identity.create_api_key(NewApiKey(account=UUID(int=1), name="x"))
    with pytest.raises(UnknownApiKey):
        await harness.identity.revoke_api_key(UUID(int=1))
    with pytest.raises(Unprocessable, match="at most 365 days"):
        await harness.issue(days=366)


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"name": ""}, "$.name"),
        ({"days": 0}, "$.days"),
        ({"days": 3_651}, "$.days"),
        ({"permissions": ()}, "$.permissions"),
        ({"permissions": (Permission.STOCK_READ,) * 2}, "$.permissions"),
    ],
)
def test_a_key_without_sense_is_refused(fields: dict[str, Any], at: str) -> None:
    with pytest.raises(Invalid) as refused:
        NewApiKey(**{"account": UUID(int=1), "name": "x", **fields})

    assert refused.value.at == at


def test_a_scanner_verifies_a_key_offline() -> None:
    key = ApiKeyId(ids.new())
    credential = new_credential(key)

    assert (len(credential), credential[:7], key_of(credential)) == (78, "bursar_", key)
    assert len({new_credential(key) for _ in range(100)}) == 100

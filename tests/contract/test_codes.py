"""One-time codes and invitations on each kind of persistence: from the request over the message to the session."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from dependency_injector import providers

from config.container import Application
from core.audit.ports import AuditFilter
from core.identity.account import NewAccount
from core.identity.code_limits import CodeLimits
from core.identity.codes.code_method import CodeCredential
from core.identity.codes.request_code import CodeRequest
from core.identity.errors import (
    LinkNotValid,
    SecondFactorNeeded,
    StudentHasAccount,
    StudentNotEnrolled,
    WrongCredentials,
)
from core.identity.one_time_secret import CODE_LIFETIME, MAX_WRONG_ATTEMPTS, SecretId
from core.identity.roles import Role
from core.identity.tokens import SessionTokens
from core.kernel.authorization import NotAuthenticated, acting_as
from core.kernel.decisions import Decision
from core.kernel.errors import CoreError, Invalid, Unprocessable
from core.kernel.rate_limit import RateLimited
from core.messaging.retention import RetainedRecords
from core.notifications.attempt_log import AttemptLog
from core.notifications.delivery import Channel
from entrypoints.messages.consumer import Consumer
from entrypoints.routes import ROUTES
from tests.contract.test_encryption import dump
from tests.examples import a_student, enrol, unpublished
from tests.unit.identity.harness import GOOD_PASSWORD, Office
from tests.unit.notifications.harness import StubEmailVendor, StubSmsVendor

EMAIL, PHONE, HERE = "parent@example.org", "+919812345670", "203.0.113.7"
REGISTRATION, TWIN = "SU-2026-0001", "SU-2026-0002"
ASKED = Decision(who="meera", why="request of 3 November")


@dataclass
class CodeOffice(Office):
    """An office whose messages tests read."""

    mail: StubEmailVendor
    phone: StubSmsVendor

    async def deliver(self) -> None:
        """Process all events, and send all messages."""
        application = self.application
        consume = Consumer(application.messaging.new_inbox, ROUTES, application.use_cases())
        await consume([each.message for each in await unpublished(application, 1_000)])
        for channel in Channel:
            await application.use_cases().dispatch.dispatch_deliveries(channel)

    async def code(self, registration: str = REGISTRATION) -> tuple[CodeRequest, str]:
        """Request a code, and read it in the message."""
        request = await self.identity.request_code(registration)
        await self.deliver()
        return request, code_in(self.mail.asked[-1].text)

    async def sealed_code(self, request: CodeRequest) -> str:
        """Return a code as the dispatcher reads it."""
        found = await self.application.identity.secret_facts().find(request.request)
        return str(found["code"])

    async def sign_in(self, request: CodeRequest, code: str, address: str = HERE, factor: str = "") -> SessionTokens:
        credential = CodeCredential(request=request.request, code=code)
        tokens: SessionTokens = await self.identity.sign_in(credential, code=factor, address=address)
        return tokens

    async def outcome(self, request: CodeRequest, code: str, address: str = HERE) -> str:
        try:
            await self.sign_in(request, code, address)
        except (WrongCredentials, RateLimited) as refusal:
            return refusal.problem
        return "signed in"

    async def accounts(self) -> list[Any]:
        return list((await self.identity.list_accounts(None, 100)).items)

    async def refused(self) -> list[tuple[str, str, str]]:
        """Return who was refused a sign-in, to what, and from where."""
        wanted = AuditFilter(action="sign-in", outcome="wrong-credentials")
        found = await self.application.audit.trail().newest(wanted, None, 1_000)
        return [(each.actor, each.target, each.address) for each in found]


def code_in(text: str) -> str:
    [code] = re.findall(r"^  (\d{8})$", text, re.MULTILINE)
    return str(code)


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08}"


@pytest.fixture
async def office(stored: Application) -> CodeOffice:
    log, rings = AttemptLog(), asyncio.Queue[None]()
    base = Office.over(stored)
    mail, phone = StubEmailVendor(log, base.clock, rings), StubSmsVendor(log, base.clock, rings)
    stored.vendors.email.override(providers.Object(mail))
    stored.vendors.sms.override(providers.Object(phone))
    stored.vendors.attempt_log.override(providers.Object(log))
    shared = {"email": EMAIL, "phone": PHONE}  # of a family
    await enrol(stored, *(a_student(n, registration=each, **shared) for n, each in enumerate((REGISTRATION, TWIN), 1)))
    office = CodeOffice(stored, base.clock, mail, phone)
    await office.open()
    return office


async def test_a_first_code_registers_a_candidate_and_the_next_signs_in_the_same(office: CodeOffice) -> None:
    tokens = [await office.sign_in(*await office.code(each)) for each in (REGISTRATION.lower(), REGISTRATION, TWIN)]
    [first, again, twin] = [await office.principal(each) for each in tokens]

    assert first.account == again.account != twin.account
    assert first.student is not None
    assert first.student == again.student != twin.student
    assert [each.roles for each in await office.accounts()] == [{Role.CANDIDATE}] * 2
    assert {each.to for each in office.mail.asked} == {EMAIL}
    assert code_in(office.mail.asked[0].text) in office.phone.asked[0].text
    sessions = await office.application.identity.session_views().open_of(first.account, office.clock.now())
    assert {each.methods for each in sessions} == {("otp",)}


async def test_an_unknown_registration_gets_the_same_answer_and_nothing_is_sent(office: CodeOffice) -> None:
    known, unknown = [await office.identity.request_code(each) for each in (REGISTRATION, "SU-1999-0001")]
    events = [each.message for each in await unpublished(office.application)]
    await office.deliver()

    assert (known.expires_in, unknown.expires_in) == (600, 600)
    assert [each.type for each in events] == ["CodeRequested"] * 2
    assert [len(office.mail.asked), len(office.phone.asked)] == [1, 1]
    assert await office.outcome(unknown, "00000000") == "wrong-credentials"
    with pytest.raises(Invalid):
        await office.identity.request_code("'; DROP TABLE students")


async def test_a_code_works_once_in_time_and_for_its_request(office: CodeOffice) -> None:
    (first, code), (second, other) = await office.code(), await office.code(TWIN)
    assert await office.outcome(first, other) == await office.outcome(second, code) == "wrong-credentials"
    assert [await office.outcome(first, code) for _ in range(2)] == ["signed in", "wrong-credentials"]
    office.clock.pass_by(CODE_LIFETIME)
    assert await office.outcome(second, other) == "wrong-credentials"
    assert await office.outcome(replace(first, request=SecretId(UUID(int=7))), code) == "wrong-credentials"


async def test_a_code_without_the_second_factor_stays_valid_for_the_client_that_sends_both(office: CodeOffice) -> None:
    app = await office.with_second_factor(await office.sign_in(*await office.code()))
    office.clock.pass_by(timedelta(minutes=1))
    request, code = await office.code()
    with pytest.raises(SecondFactorNeeded):
        await office.sign_in(request, code)
    with pytest.raises(WrongCredentials):
        await office.sign_in(request, code, factor="000000")
    tokens = await office.sign_in(request, code, factor=app.code())

    assert office.application.identity.access_tokens().verify(tokens.access_token).methods == ("otp", "mfa")
    office.clock.pass_by(timedelta(minutes=1))
    with pytest.raises(WrongCredentials):
        await office.sign_in(request, code, factor=app.code())


async def test_wrong_codes_are_on_record_without_the_codes(office: CodeOffice) -> None:
    await office.sign_in(*await office.code())
    [account], (request, code) = await office.accounts(), await office.code()
    unknown = await office.identity.request_code("SU-1999-0001")
    for asked in (request, unknown, unknown):
        assert await office.outcome(asked, other_than(code)) == "wrong-credentials"

    [second, first, known] = await office.refused()
    assert known == ("anonymous", f"account/{account.id}", HERE)
    assert second == first
    assert re.fullmatch("login/[0-9a-f]{32}", first[1])


async def test_one_code_is_used_once_by_twenty_clients_at_once(office: CodeOffice) -> None:
    request, code = await office.code()
    outcomes = await asyncio.gather(*(office.outcome(request, code, f"198.51.100.{n}") for n in range(20)))

    assert outcomes.count("signed in") == 1
    assert outcomes.count("wrong-credentials") == 19


async def test_twenty_first_sign_ins_at_once_create_one_account(office: CodeOffice) -> None:
    asking = office.identity.request_code
    request_code = replace(asking, code_limits=replace(asking.code_limits, codes_per_registration=40))
    requests = [await request_code(REGISTRATION) for _ in range(20)]
    pairs = [(each, await office.sealed_code(each)) for each in requests]
    outcomes = await asyncio.gather(*(office.outcome(*each, f"198.51.100.{n}") for n, each in enumerate(pairs)))

    assert outcomes == ["signed in"] * 20
    assert len(await office.accounts()) == 1


async def test_a_hundred_guesses_at_once_are_five(office: CodeOffice) -> None:
    request, code = await office.code()
    guesses = (office.outcome(request, other_than(code), f"198.51.{n}.7") for n in range(100))
    outcomes = await asyncio.gather(*guesses)

    assert set(outcomes) == {"wrong-credentials"}
    async with office.application.identity.new_work() as work:
        assert (await work.one_time_secrets.find(request.request)).attempts == MAX_WRONG_ATTEMPTS
    assert await office.outcome(request, code) == "wrong-credentials"
    request, code = await office.code()
    outcomes = await asyncio.gather(*(office.outcome(request, other_than(code)) for _ in range(20)))
    assert outcomes.count("rate-limited") == 10


async def test_requests_are_limited_by_registration_whether_or_not_it_exists(office: CodeOffice) -> None:
    for registration in (REGISTRATION, "SU-1999-0001"):
        for number in range(10):
            await office.identity.request_code(registration, f"198.51.100.{number}")
        with pytest.raises(RateLimited) as refused:
            await office.identity.request_code(registration.lower())
        assert "codes-per-registration" in str(refused.value)


async def test_one_source_does_not_use_up_the_requests_of_a_candidate(office: CodeOffice) -> None:
    for _ in range(20):
        with suppress(RateLimited):
            await office.identity.request_code(REGISTRATION, "198.51.100.9")

    request = await office.identity.request_code(REGISTRATION)
    assert await office.outcome(request, await office.sealed_code(request)) == "signed in"


async def test_one_source_causes_few_messages_and_a_room_of_candidates_is_not_stopped(office: CodeOffice) -> None:
    limits = CodeLimits(office.application.storage.rate_limiter(), 100, unused_codes_per_address=3)
    asking, signing_in = (
        replace(each, code_limits=limits) for each in (office.identity.request_code, office.identity.sign_in)
    )
    for _ in range(5):
        request = await asking(TWIN, HERE)
        credential = CodeCredential(request=request.request, code=await office.sealed_code(request))
        assert await signing_in(credential, address=HERE)
    for registration in (TWIN, "SU-1999-0001", "SU-1999-0002"):
        await asking(registration, HERE)

    with pytest.raises(RateLimited, match="unused-codes-per-address"):
        await asking(REGISTRATION, HERE)
    assert await asking(REGISTRATION, "198.51.100.9")


async def test_no_table_list_or_event_has_a_code(office: CodeOffice) -> None:
    request, code = await office.code()
    if office.application.settings().adapters.persistence == "memory":
        stored = repr(office.application.storage.memory()).encode()
    else:
        stored = await dump(office.application)

    assert request.request.bytes in stored or str(request.request).encode() in stored
    assert code.encode() not in stored
    purge = office.application.use_cases().messaging.purge_expired_records
    office.clock.pass_by(CODE_LIFETIME + timedelta(seconds=1))
    assert (await purge())[RetainedRecords.SECRETS] == 1


async def test_an_erased_student_is_signed_out_and_signs_in_no_more(office: CodeOffice) -> None:
    tokens = await office.sign_in(*await office.code())
    request, code = await office.code()
    erase = office.application.use_cases().students.erase_student
    report = await erase(REGISTRATION, ASKED)
    office.clock.pass_by(timedelta(seconds=2))

    assert report.records.accounts == 1
    assert await office.outcome(request, code) == "wrong-credentials"
    [account] = await office.accounts()
    assert (account.active, account.name, account.email) == (False, "(erased)", "")
    sent = len(office.mail.asked)
    await office.identity.request_code(REGISTRATION)
    await office.deliver()
    assert len(office.mail.asked) == sent
    with pytest.raises(StudentNotEnrolled):
        await office.identity.enable_account(account.id)
    with pytest.raises(NotAuthenticated):
        await office.identity.refresh_session(tokens.refresh_token)


async def test_an_erasure_leaves_no_second_factor_address_or_device(office: CodeOffice) -> None:
    ended, open_one = [await office.sign_in(*await office.code()) for _ in range(2)]
    with acting_as(await office.principal(open_one)):
        await office.identity.end_session(ended.session)
    await office.with_second_factor(open_one)
    [account] = await office.accounts()
    await office.application.use_cases().students.erase_student(REGISTRATION, ASKED)

    async with office.application.identity.new_work() as work:
        assert await work.second_factors.lock(account.id) is None
        found = [await work.sessions.lock(each.session) for each in (ended, open_one)]
    assert [(each.address, each.device, each.ended_at is None) for each in found] == [("", "", False)] * 2


async def test_a_disabled_candidate_does_not_register_again(office: CodeOffice) -> None:
    await office.sign_in(*await office.code())
    [account] = await office.accounts()
    await office.identity.disable_account(account.id)
    request, code = await office.code()

    assert await office.outcome(request, code) == "wrong-credentials"
    with pytest.raises(StudentHasAccount):
        await office.identity.create_account(NewAccount(roles=(Role.CANDIDATE,), name="B", student=account.student))
    await office.identity.enable_account(account.id)
    assert await office.outcome(request, code) == "signed in"


async def test_an_invitation_reaches_the_person_only(office: CodeOffice) -> None:
    create = office.identity.create_account
    account = await create(NewAccount(roles=(Role.OFFICER,), name="Asha Kulkarni", email="asha@example.org"))
    silent = await create(NewAccount(roles=(Role.OFFICER,), name="Rohan"))
    invitation = await office.identity.invite_account(account.id, "asha.kulkarni")
    await office.deliver()
    [message] = office.mail.asked
    [token] = re.findall(r"^  (\S{43})$", message.text, re.MULTILINE)

    assert (message.to, "asha.kulkarni" in message.text, len(office.phone.asked)) == ("asha@example.org", True, 0)
    assert token not in repr(invitation)
    if office.application.settings().adapters.persistence != "memory":
        assert token.encode() not in await dump(office.application)
    await office.identity.set_password(token, GOOD_PASSWORD)
    with pytest.raises(LinkNotValid):
        await office.identity.set_password(token, GOOD_PASSWORD)
    with pytest.raises(Unprocessable):
        await office.identity.invite_account(silent.id, "rohan")
    code = CodeCredential(request=UUID(int=9), code="12345678")
    with pytest.raises(CoreError):
        await office.identity.sign_in(code, address=HERE)

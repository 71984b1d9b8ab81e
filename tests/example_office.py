"""An office in which every example of the API document succeeds, in the order of the examples."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
from dependency_injector import providers

from adapters.system.clock import TimeOrderedIds
from config.container import running
from config.sections.http import Http
from config.sections.identity import Identity
from config.sections.section import Secret
from config.sections.vendors import Sandbox, Twilio
from config.settings import Adapters, Settings
from core.fees.repricing import Repricing, RepricingFigures, RepricingState
from core.identity.account import Account, AccountId
from core.identity.api_key import ApiKey
from core.identity.credential import ApiKeyId
from core.identity.one_time_secret import CODE_LIFETIME, OneTimeSecret, Purpose, SecretId
from core.identity.one_time_secret_ports import SecretBox
from core.identity.password import Password
from core.identity.roles import Role
from core.identity.second_factor_ports import TimeCodes
from core.identity.session import Session, SessionId
from core.identity.sessions.session_issuer import Proof
from core.kernel.authorization import NotAuthenticated, Permission
from core.kernel.errors import Invalid
from core.kernel.ids import Ids
from core.kernel.money import Money
from core.ledger.charge import ChargedHead
from core.ledger.charge import charge as charge_of
from core.notifications.delivery import Channel, DeliveryState
from core.notifications.vendor_standing import Breaker, VendorStanding
from core.payments.adjustment import Adjustment, HeadChange
from core.payments.counter_payment import CounterMethod, CounterPayment, CounterState
from core.payments.open_fee_accounts import ChargedFee
from core.payments.payment import Payment, Refund, RefundCause, RefundStage
from core.payments.waiver import Waiver
from core.receipts.receipt import ReceivedPayment
from core.settlements.settlement_line import ExceptionKind, SettlementException
from entrypoints.http.document import EXAMPLES
from tests.applications import an_application
from tests.contract.test_vendor_reports import PUBLIC, TOKEN
from tests.examples import StoppedClock, a_delivery, a_message
from tests.integration.admission import Keyed
from tests.integration.test_http_api import OPEN, Api
from tests.inventory_harness import InventoryHarness
from tests.units_of_work import any_work

SKU, ADDRESS = "ANSWER-BOOK", "asha.kulkarni@sahyadri.example"
EXAMPLE_ID = 0x01985B1E_7C00_7000_8000_000000000000
OF_THE_CALLER = {"listSessions", "endSession", "endSessions", "changePassword", "showPrincipal"}
"""Operations on the caller, its own sessions and its password, which need no permission; most need a session."""
FIRST_ID_OF_ANSWERS = EXAMPLE_ID + (1 << 48)
WEBHOOK_SECRET = Secret("whsec_dGhlIHNlY3JldCBvZiB0aGUgc2FuZGJveCdzIHdlYmg=")
GOOD = b'{"schedule": "sahyadri-semester", "registration": "SU-2026-0001"}'

OF_THE_SECOND_FACTOR = {"enrolSecondFactor", "confirmSecondFactor", "removeSecondFactor", "stepUp"}
BY_SESSION = OF_THE_SECOND_FACTOR | {
    "createPasswordLink",
    "inviteAccount",
    "createApiKey",
    "enableAccount",
    "changeRoles",
}
"""Operations that need a session, because no API key steps up."""


class ExampleCodes(TimeCodes):
    """Makes the secret of the examples, and accepts their code at any time."""

    def new_secret(self) -> str:
        secret: str = EXAMPLES["enrolSecondFactor"]["answer"]["secret"]
        return secret

    def uri(self, secret: str, name: str) -> str:
        return f"otpauth://totp/bursar:{name}?secret={secret}"

    def step(self, secret: str, code: str, at: datetime, after: int) -> int | None:
        return after + 1 if code == EXAMPLES["stepUp"]["body"]["code"] else None


class NumberedIds(Ids):
    """Ids that are the same in every run, so that the examples can name them."""

    def __init__(self) -> None:
        self.last = EXAMPLE_ID + 0x1000

    def new(self) -> UUID:
        self.last += 0x1_0000_0001  # the reference of a submission is made of these bits
        return UUID(int=self.last)


@asynccontextmanager
async def example_office() -> AsyncIterator[Api]:
    """Open an office with what the examples name."""
    with TemporaryDirectory() as folder:
        async with example_office_in(folder) as api:
            yield api


@asynccontextmanager
async def example_office_in(folder: str) -> AsyncIterator[Api]:
    """Open it with the book of its sandbox in a folder."""
    settings = Settings(
        adapters=Adapters(persistence="memory", payments=("sandbox",)),
        http=Http(public_url=PUBLIC),
        twilio=Twilio(auth_token=Secret(TOKEN)),
        sandbox=Sandbox(book_path=f"{folder}/book.jsonl", webhook_secret=WEBHOOK_SECRET),
        identity=Identity(secret=Secret("the secret of the office of the examples")),
    )
    application, clock = an_application(settings), StoppedClock(OPEN)
    application.process.clock.override(clock)
    ids = NumberedIds()
    application.process.ids.override(ids)
    application.identity.time_codes.override(providers.Object(ExampleCodes()))
    async with running(application):
        api = Api(application, clock)
        await api.provision()
        await stock(api)
        await bury(api)
        await doubt(api)
        await charge(api)
        await receive(api)
        await open_desk(api)
        await correct_tariff(api)
        await api.application.notifications.vendor_standings().publish([standing(api)])
        async with api.client:
            await let_in(api)
            ids.last = FIRST_ID_OF_ANSWERS  # whatever the preparation has used
            yield api


def standing(api: Api) -> VendorStanding:
    """Return what a dispatcher publishes about a vendor."""
    return VendorStanding(
        channel=Channel.SMS,
        vendor="twilio",
        breaker=Breaker.CLOSED,
        calls=212,
        failure_percent=1,
        under_way=3,
        rests_until=None,
        at=api.clock.now(),
        process="fees-1",
    )


async def stock(api: Api) -> None:
    """Store a batch and two allocated orders."""
    inventory = InventoryHarness(api.application)
    await inventory.buy("PO-203", 100, SKU)
    for order in ("ORDER-32", "ORDER-33"):
        await inventory.allocate(order, 10, SKU)
    await inventory.take_in()


async def bury(api: Api) -> None:
    """Store the dead letters of the examples."""
    for number in (1, 2):
        message = a_message(
            id=UUID(int=EXAMPLE_ID + number),
            subject=UUID(int=EXAMPLE_ID + 16 + number),
            context="fees.commands",
            type="SubmitExamFee",
            at=api.clock.now() - timedelta(hours=number),
            body=GOOD,
            origin={"topic": "bursar.fees.commands.v1", "partition": "2", "offset": f"{40 + number}"},
        )
        async with api.application.messaging.new_inbox() as inbox:
            await inbox.deduplicate(message)
            await inbox.bury(message, Invalid("unknown field 'paper'"))
            await inbox.commit()


async def let_in(api: Api) -> None:
    """Store the accounts, passwords and sessions of the examples."""
    examples, identity, now = EXAMPLES, api.application.identity, api.clock.now()
    await api.application.use_cases().identity.create_signing_key()
    await api("GET", "/v1/sessions")  # creates the account that calls, whose API key is refused
    caller = next(iter(api.application.storage.memory().accounts))
    hashed = await identity.password_hasher().hash(examples["signIn"]["body"]["password"])
    token = identity.refresh_tokens().read(examples["refreshSession"]["body"]["refresh_token"])
    link = sha256(examples["setPassword"]["body"]["token"].encode()).digest()
    student = await api.application.use_cases().students.find_student("SU-2026-0001")
    async with identity.new_work() as work:
        for number in (8, 9):
            account = AccountId(UUID(int=EXAMPLE_ID + number))
            work.accounts.add(
                Account(
                    id=account, roles=frozenset({Role.OFFICER}), name="Asha Kulkarni", email=ADDRESS, created_at=now
                )
            )
        linked = Password(account=UUID(int=EXAMPLE_ID + 8), login="asha.kulkarni", changed_at=now)
        work.passwords.add(linked.linked(link, now + timedelta(days=1)))
        work.passwords.add(Password(account=caller, login="meenakshi.iyer", hash=hashed, changed_at=now))
        work.api_keys.add(an_api_key(ApiKeyId(UUID(int=EXAMPLE_ID + 10)), AccountId(UUID(int=EXAMPLE_ID + 8)), now))
        work.one_time_secrets.add(a_code(identity.secret_box(), student.id, now))
        for session in (token.session, SessionId(UUID(int=EXAMPLE_ID + 7))):
            work.sessions.add(a_session(session, caller, now, token.digest))
        await work.commit()


def an_api_key(key: ApiKeyId, account: AccountId, now: datetime) -> ApiKey:
    """Return a valid API key."""
    times = {"created_at": now, "expires_at": now + timedelta(days=365)}
    permissions = frozenset({Permission.SUBMISSIONS_READ})
    return ApiKey(id=key, account=account, name="portal", permissions=permissions, digest=bytes(32), **times)


def a_code(secret_box: SecretBox, student: UUID, now: datetime) -> OneTimeSecret:
    """Return the code that the example of a sign-in names."""
    body = EXAMPLES["signInWithCode"]["body"]
    secret, code = SecretId(UUID(body["request"])), body["code"]
    texts = {"digest": secret_box.digest(secret, code), "sealed": secret_box.seal(secret, {"code": code})}
    until = now + CODE_LIFETIME
    return OneTimeSecret(id=secret, purpose=Purpose.SIGN_IN, holder=student, expires_at=until, **texts)


def a_session(session: SessionId, account: UUID, now: datetime, digest: bytes) -> Session:
    """Return an open session."""
    times = {"proved_at": now, "created_at": now, "used_at": now, "expires_at": now + timedelta(days=7)}
    return Session(id=session, account=account, methods=("pwd",), digest=digest, **times)


async def receive(api: Api) -> None:
    """Issue the receipt of the examples."""
    issue, student = EXAMPLES["showReceipt"]["answer"], UUID(int=EXAMPLE_ID + 2)
    paid = ReceivedPayment(
        payment=UUID(issue["payment"]),
        submission=UUID(issue["submission"]),
        student=student,
        reference=issue["reference"],
        schedule=issue["schedule"],
        amount=Money(**issue["amount"]),
        method=issue["method"],
        paid_at=api.clock.now(),
    )
    await api.application.use_cases().receipts.issue_receipts([paid])


async def doubt(api: Api) -> None:
    """Store the deliveries of the examples."""
    async with any_work(api.application) as work:
        for number, state in ((3, DeliveryState.UNDECIDED), (4, DeliveryState.SENT), (5, DeliveryState.UNDECIDED)):
            work.deliveries.add(
                a_delivery(
                    Channel.SMS,
                    id=UUID(int=EXAMPLE_ID + number),
                    about=UUID(int=EXAMPLE_ID + 32),
                    state=state,
                    reason="the vendor did not answer in time",
                    due_at=api.clock.now(),
                )
            )
        await work.commit()


async def charge(api: Api) -> None:
    """Open the account of the fee that the examples name."""
    student = await api.application.use_cases().students.find_student("SU-2026-0001")
    fee = ChargedFee(
        submission=UUID(int=EXAMPLE_ID + 48),
        student=student.id,
        reference="BF-7K3M-9QZ4-XA2B-C",
        schedule="sahyadri-semester",
        total=Money(150_000, "INR"),
        pay_by=None,
        at=api.clock.now(),
    )
    made = charge_of(fee.submission, student.id, [ChargedHead("examination", fee.total)], fee.at)
    assert made is not None
    await api.application.use_cases().ledger.post_transactions([made])
    await api.application.use_cases().payments.open_fee_accounts([fee])
    waiver = Waiver(
        id=UUID(int=EXAMPLE_ID + 49),
        head="examination",
        amount=Money(30_000, "INR"),
        percent=20,
        reason="the candidate lost the home to a flood",
        requested_by="account:01985b1e-7c00-7000-8000-000000000008",
        requested_at=fee.at,
    )
    async with api.application.payments.new_work() as work:
        account = (await work.accounts.lock([fee.submission]))[fee.submission]
        account.waivers.append(waiver)
        work.accounts.save(account)
        await work.commit()


async def correct_tariff(api: Api) -> None:
    """Store the counted repricing and the adjustments of the examples."""
    now, asked_by = api.clock.now(), "account:01985b1e-7c00-7000-8000-000000000008"
    async with api.application.fees.new_work() as work:
        counted = RepricingFigures(submissions=1200, unchanged=388, refunds=812, refunded_minor=24_360_000)
        work.repricings.save(
            Repricing(
                id=UUID(EXAMPLES["startRepricing"]["parameters"]["repricing"]),
                schedule="neet-ug-2026",
                version=1,
                currency="INR",
                asked_by=asked_by,
                asked_at=now,
                state=RepricingState.COUNTED,
                figures=counted,
            )
        )
        await work.commit()
    change = HeadChange("examination", Money(120_000, "INR"), Money(90_000, "INR"))
    async with api.application.payments.new_work() as work:
        for number, fee in ((66, 48), (67, 80)):
            work.adjustments.save(
                Adjustment(
                    id=UUID(int=EXAMPLE_ID + number),
                    submission=UUID(int=EXAMPLE_ID + fee),
                    reference="BF-7K3M-9QZ4-XA2B-C",
                    schedule="cbse-2020-xii",
                    version=2,
                    before=change.before,
                    heads=(change,),
                    asked_by=asked_by,
                    proposed_at=now,
                )
            )
        await work.commit()


async def open_desk(api: Api) -> None:
    """Take the counter payments, the refunds and the settlement line of the examples."""
    student = await api.application.use_cases().students.find_student("SU-2026-0001")
    fee, now = UUID(int=EXAMPLE_ID + 80), api.clock.now()
    charged = ChargedFee(
        submission=fee,
        student=student.id,
        reference="BF-4M2N-8PQ7-YC5D-E",
        schedule="sahyadri-annual",
        total=Money(7_000_000, "INR"),
        pay_by=None,
        at=now,
    )
    await api.application.use_cases().payments.open_fee_accounts([charged])
    waiting, bounced, surplus = (
        CounterPayment(
            id=UUID(int=EXAMPLE_ID + 81 + index),
            submission=fee,
            method=CounterMethod.CHEQUE,
            number=f"cheque:00012{index}/400240015",
            amount=Money(minor, "INR"),
            paid_at=now,
            taken_by="account:01985b1e-7c00-7000-8000-000000000008",
            taken_at=now,
        )
        for index, minor in enumerate((6_000_000, 50_000, 7_000_000))
    )
    waiting.state = CounterState.WAITING
    async with api.application.payments.new_work() as work:
        account = (await work.accounts.lock([fee]))[fee]
        account.orders.append(waiting.waiting_order())
        for taken in (bounced, surplus):
            account.capture(taken.payment(), now)
        account.charged += Money(500_000, "INR")  # the payments below are no surplus
        for number in (84, 85):
            online = Payment(
                id=UUID(int=EXAMPLE_ID + number + 4),
                gateway="razorpay",
                gateway_payment=f"pay_{number}",
                amount=Money(100_000, "INR"),
                paid_at=now,
            )
            account.payments.append(online)
            refund = Refund(
                id=UUID(int=EXAMPLE_ID + number),
                amount=Money(20_000, "INR"),
                cause=RefundCause.DECISION,
                reason="the paper was cancelled",
                reserved_at=now,
                stage=RefundStage.UNKNOWN,
                check_at=None,
            )
            online.refunds.append(refund)
        work.accounts.save(account)
        for taken in (waiting, bounced, surplus):
            work.counter_payments.add(taken)
        await work.commit()
    async with api.application.settlements.new_work() as work:
        for number in (96, 97):
            work.exceptions.add(
                SettlementException(
                    id=UUID(int=EXAMPLE_ID + number),
                    gateway="razorpay",
                    bank="razorpay",
                    kind=ExceptionKind.MISSING_HERE,
                    about=None,
                    name="adj_7K3M9QZ4XA2BCD",
                    amount=Money(-50_000, "INR"),
                    fees=Money(0, "INR"),
                    settlement="setl_9QZ4XA2BCD7K3M",
                    at=now,
                )
            )
        await work.commit()


async def access_token(api: Api) -> str:
    """Return an access token of the account that calls."""
    identity, memory = api.application.identity, api.application.storage.memory()
    account = next(iter(memory.accounts.values()))
    session = a_session(SessionId(UUID(int=EXAMPLE_ID + 5)), account.id, api.clock.now(), b"")
    issuer, token = identity.session_issuer(), identity.refresh_tokens().create(session.id, 1)
    await identity.session_watch().ensure_read()
    return str(issuer.tokens(session, account, token).access_token)


async def a_session_of(api: Api) -> str:
    """Return an access token of the account whose API key is sent; empty for an unknown key."""
    identity = api.application.identity
    credential = api.client.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        credential = credential or await Keyed.key(api.application)
        caller = await api.application.use_cases().identity.authenticate_api_key(credential)
    except NotAuthenticated:
        return ""
    issuer = replace(identity.session_issuer(), ids=TimeOrderedIds())  # the ids of the application are in the examples
    tokens = await issuer.open(Proof(account=caller.account, methods=("pwd",), is_complete=True))
    return tokens.access_token


async def send(api: Api, method: str, path: str, operation: dict[str, Any]) -> httpx.Response:
    """Send the example of an operation as the document has it."""
    headers, query = dict[str, str](), dict[str, str]()
    for each in operation.get("parameters", ()):
        if "example" in each:
            value = str(each["example"])
            if each["in"] == "path":
                path = path.replace(f"{{{each['name']}}}", value)
            (headers if each["in"] == "header" else query if each["in"] == "query" else {})[each["name"]] = value
    if operation["operationId"] in BY_SESSION and (token := await a_session_of(api)):
        headers["Authorization"] = f"Bearer {token}"
    more: dict[str, Any] = {}
    for media_type, body in operation.get("requestBody", {"content": {}})["content"].items():
        if media_type == "application/json":
            more["json"] = body["example"]
        else:
            form = media_type == "application/x-www-form-urlencoded"
            more["content"] = (urlencode(body["example"]) if form else body["example"]).encode()
            headers["Content-Type"] = media_type
    if operation["operationId"] in OF_THE_CALLER and "Authorization" not in api.client.headers:
        headers["Authorization"] = f"Bearer {await access_token(api)}"
    answer = await api(method.upper(), path, headers=headers, params=query, **more)
    await InventoryHarness(api.application).take_in()
    return answer

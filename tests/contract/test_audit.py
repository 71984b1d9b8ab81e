"""The contract of `UnitOfWork.audit`, `AuditTrail` and `AuditChain`, for every adapter."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, select, update

from adapters.memory.audit.chain import NoAuditAnchors
from adapters.memory.engine.database import MemoryDatabase
from adapters.sql.audit.tables import audit_seals
from adapters.sql.engine.tables import audit_records, audit_unsealed, event_log
from adapters.system.audit_anchors import FileAuditAnchors
from config.container import Application
from core.audit.ports import AuditAnchors, AuditFilter, UnknownAuditRecord
from core.audit.refusal_log import MAX_PER_ACTOR_AND_MINUTE, Fate
from core.audit.seal_audit_records import SealAuditRecords
from core.audit.signed_head import HeadSigner
from core.audit.verify_audit_chain import PUBLISHED_WITHIN, Verification, VerifyAuditChain
from core.kernel.audit import AuditRecord, Deed
from core.kernel.authorization import ANONYMOUS, NotPermitted, Permission, Principal, acting_as
from core.kernel.decisions import Decision
from core.kernel.errors import CoreError
from core.kernel.period import Period
from core.kernel.trace import Trace, tracing
from core.notifications.errors import UnknownDelivery
from tests.examples import StoppedClock, a_submission, ids
from tests.units_of_work import any_work

ALICE = Principal(
    subject="account:alice",
    permissions=frozenset({Permission.SCHEDULES_WRITE, Permission.DELIVERIES_SETTLE}),
    account=ids.new(),
    session=ids.new(),
    address="2001:db8::1",
)
SECRET = "a secret of more than thirty-two characters"
FILES = pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
"""Other programs reach these, and not the memory of this one."""


async def record(application: Application, *deeds: Deed) -> None:
    """Record deeds, each in a transaction of its own."""
    for deed in deeds:
        async with any_work(application) as work:
            work.audit(deed)
            await work.commit()


def a_deed(number: int = 0, **changes: Any) -> Deed:
    return Deed(**({"action": "change-batch-quantity", "target": f"batch/{number}"} | changes))


async def trail(application: Application, **words: Any) -> list[AuditRecord]:
    return list(await application.audit.trail().newest(AuditFilter(**words), None, 1_000))


async def test_a_record_has_the_principal_the_request_and_the_deed(stored: Application) -> None:
    clock = StoppedClock(datetime(2026, 11, 20, 12, 30, 0, 1, tzinfo=UTC))
    stored.process.clock.override(clock)
    deed = a_deed(before={"ü": 1, "b": {"z": 0, "a": None}}, after=[clock.now()], reason="counted anew, ₹ and\x1f\n")
    with acting_as(ALICE), tracing(Trace("request-1")):
        await record(stored, deed)

    [found] = await trail(stored)

    assert (found.actor, found.account, found.session) == (ALICE.subject, ALICE.account, ALICE.session)
    assert (found.address, found.request_id, found.at) == ("2001:db8::1", "request-1", clock.now())
    assert (found.action, found.target, found.outcome) == ("change-batch-quantity", "batch/0", "done")
    assert (found.before, found.after) == ('{"b":{"a":null,"z":0},"ü":1}', '["2026-11-20T12:30:00.000001Z"]')
    assert found.reason == "counted anew, ₹ and  "


async def test_the_canonical_text_of_a_record_survives_the_database(stored: Application) -> None:
    clock = StoppedClock(datetime(2026, 11, 20, 12, 30, tzinfo=UTC))
    stored.process.clock.override(clock)
    with acting_as(ALICE), tracing(Trace("request-1")):
        await record(stored, a_deed(before={"é": "\x1f\u2028'\\"}, reason="100 % 'sûr' \\"))
    await record(stored, a_deed(1, after={}))
    await stored.audit.chain().seal(10)

    records = {each.id: each for each in await trail(stored)}
    links = await stored.audit.chain().links(0, 10)

    assert [link.text for link in links] == [records[link.record].canonical_text for link in links]
    assert len(links) == 2


async def test_work_that_is_not_committed_leaves_no_record(stored: Application) -> None:
    async with any_work(stored) as work:
        work.audit(a_deed())
    async with stored.messaging.new_inbox() as inbox, any_work(stored, within=inbox) as work:
        work.audit(a_deed())
        await work.commit()

    assert await trail(stored) == []


async def test_records_are_found_by_who_what_and_when(stored: Application) -> None:
    clock = StoppedClock()
    stored.process.clock.override(clock)
    for number in range(5):
        with acting_as(Principal(subject=f"user:{number % 2}")):
            await record(stored, a_deed(number, outcome="not-permitted" if number == 4 else "done"))
        clock.pass_by(timedelta(seconds=1))
    start = clock.now() - timedelta(seconds=5)

    async def targets(**words: Any) -> list[str]:
        return [each.target for each in await trail(stored, **words)]

    assert await targets() == ["batch/4", "batch/3", "batch/2", "batch/1", "batch/0"]
    assert await targets(actor="user:1") == ["batch/3", "batch/1"]
    assert await targets(target="batch/2", action="change-batch-quantity") == ["batch/2"]
    assert await targets(outcome="not-permitted") == ["batch/4"]
    period = Period(since=start + timedelta(seconds=1), until=start + timedelta(seconds=3))
    assert await targets(during=period) == ["batch/2", "batch/1"]
    assert await targets(action="x' OR 1=1 --") == []


async def test_pages_meet_without_a_gap_and_without_an_overlap(stored: Application) -> None:
    stored.process.clock.override(StoppedClock())  # all in one microsecond
    await record(stored, *map(a_deed, range(7)))
    listing, found, after = stored.use_cases().audit.list_audit_records, list[AuditRecord](), None
    while True:
        page = await listing(AuditFilter(), after, 3)
        found += page.items
        if (after := page.next) is None:
            break

    assert found == await trail(stored)
    assert len(found) == 7
    with pytest.raises(UnknownAuditRecord):
        await listing(AuditFilter(), ids.new(), 3)


async def test_an_event_knows_its_actor(stored: Application) -> None:
    submission, submitted = a_submission()
    with acting_as(ALICE):
        async with any_work(stored) as work:
            work.submissions.add(submission)
            work.record(submitted)
            await work.commit()

    database = stored.storage.database()
    if not isinstance(database, MemoryDatabase):
        async with database.reading() as connection:
            assert list(await connection.scalars(select(event_log.c.actor))) == ["account:alice"]


async def test_a_refused_deed_is_recorded_and_has_no_effect(stored: Application) -> None:
    settle = stored.use_cases().notifications.resend_delivery
    with acting_as(ALICE), pytest.raises(UnknownDelivery):
        await settle(str(ids.new()), Decision(who="alice", why="a test"))
    with acting_as(ALICE), pytest.raises(NotPermitted):
        await stored.use_cases().messaging.list_dead_letters.__call__(*[None] * 3)  # type: ignore[arg-type]

    assert {(each.actor, each.action, each.outcome) for each in await trail(stored)} == {
        ("account:alice", "resend-delivery", "unknown-delivery"),
        ("account:alice", "dead-letters:read", "not-permitted"),
    }


async def test_the_target_of_a_refusal_is_an_id_or_a_digest(stored: Application) -> None:
    delivery, refused = ids.new(), stored.use_cases()
    words = ["Canary-77/A", "Canary-77/A", "asha@mail.example.org", "0" * 32, str(delivery), str(delivery).upper()]
    with acting_as(ALICE):
        for word in words:
            with suppress(CoreError):
                await refused.students.erase_student(word, Decision(who="alice", why="a test"))

    first, again, *others, known, same = [each.target for each in reversed(await trail(stored))]
    assert first == again
    assert len({first, *others}) == 3
    assert all(re.fullmatch("hmac-sha256/[0-9a-f]{32}", each) for each in (first, *others))
    assert known == same == str(delivery)


async def test_a_refusal_inside_an_open_transaction_waits_for_none(stored: Application) -> None:
    async with asyncio.timeout(10), stored.messaging.new_inbox() as inbox:
        joined = stored.use_cases().within(inbox)
        with acting_as(Principal(subject="topic:warehouse")):
            for refused in (joined.notifications.resend_delivery, joined.messaging.list_dead_letters):
                with pytest.raises(NotPermitted):
                    await refused(*[None] * 3)  # type: ignore[call-arg]
        await inbox.commit()

    assert await trail(stored) == []


async def test_no_caller_fills_the_table_with_refusals(stored: Application) -> None:
    clock, refusals = StoppedClock(), stored.storage.refusals()
    refusals._clock = clock

    async def refuse(actor: Principal, times: int) -> list[Fate]:
        with acting_as(actor):
            return [await refusals.record("publish-fee-schedule", "", "not-permitted") for _ in range(times)]

    assert set(await refuse(ANONYMOUS, 5)) == {Fate.ANONYMOUS}
    fates = await refuse(ALICE, MAX_PER_ACTOR_AND_MINUTE + 5)
    assert fates == [Fate.STORED] * MAX_PER_ACTOR_AND_MINUTE + [Fate.OVER_LIMIT] * 5
    assert await refuse(Principal(subject="user:bob"), 1) == [Fate.STORED]
    clock.pass_by(timedelta(minutes=1))
    assert await refuse(ALICE, 1) == [Fate.STORED]
    assert len(await trail(stored)) == MAX_PER_ACTOR_AND_MINUTE + 2


async def seal_and_publish(application: Application, anchors: FileAuditAnchors) -> int:
    clock = application.process.clock()
    return await SealAuditRecords(application.audit.chain(), anchors, HeadSigner(SECRET), clock)()


async def verify(application: Application, anchors: AuditAnchors, secret: str = SECRET) -> Verification:
    chain, clock = application.audit.chain(), application.process.clock()
    return await VerifyAuditChain(chain, anchors, HeadSigner(secret), clock)(lambda _done, _total: None)


@pytest.fixture
def anchors(tmp_path: Any) -> FileAuditAnchors:
    return FileAuditAnchors(str(tmp_path / "heads.jsonl"))


async def test_a_chain_is_sealed_once_and_verifies(stored: Application, anchors: FileAuditAnchors) -> None:
    assert (await verify(stored, anchors)).faults == 0
    await record(stored, *map(a_deed, range(12)))

    assert await seal_and_publish(stored, anchors) == 12
    assert await seal_and_publish(stored, anchors) == 0
    await record(stored, a_deed(12))
    found = await verify(stored, anchors)

    assert (found.records, found.heads, found.unsealed, found.findings) == (12, 2, 1, [])
    assert (await verify(stored, anchors, "another secret")).faults == 2


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)  # the others have one transaction at a time
async def test_a_record_that_commits_late_is_sealed_later(stored: Application, anchors: FileAuditAnchors) -> None:
    async with stored.storage.database().transaction() as (connection, transaction):
        early = ids.new()
        await record(stored, a_deed(1))
        await connection.execute(insert(audit_records), a_row(early))
        await connection.execute(insert(audit_unsealed), {"record_id": early})
        assert await seal_and_publish(stored, anchors) == 1
        await transaction.commit()

    assert await seal_and_publish(stored, anchors) == 1
    assert (await verify(stored, anchors)).findings == []


def a_row(record_id: UUID, at: datetime = datetime(2026, 11, 20, tzinfo=UTC)) -> dict[str, Any]:
    words = dict.fromkeys(("address", "request_id", "before", "after", "reason"), "")
    named = {"actor": "user:mallory", "action": "publish-fee-schedule", "target": "", "outcome": "done"}
    return {"id": record_id, "at": at, "account": None, "session": None, **words, **named}


Tampering = Callable[[Any, list[UUID]], Awaitable[object]]


async def alter(connection: Any, records: list[UUID]) -> None:
    await connection.execute(update(audit_records).where(audit_records.c.id == records[5]).values(reason="none"))


async def alter_a_microsecond(connection: Any, records: list[UUID]) -> None:
    at = await connection.scalar(select(audit_records.c.at).where(audit_records.c.id == records[5]))
    moved = at.replace(microsecond=at.microsecond ^ 1)
    await connection.execute(update(audit_records).where(audit_records.c.id == records[5]).values(at=moved))


async def remove(connection: Any, records: list[UUID]) -> None:
    await connection.execute(delete(audit_records).where(audit_records.c.id == records[5]))


async def remove_with_seal(connection: Any, records: list[UUID]) -> None:
    await remove(connection, records)
    await connection.execute(delete(audit_seals).where(audit_seals.c.record_id == records[5]))


async def insert_one(connection: Any, _records: list[UUID]) -> None:
    await connection.execute(insert(audit_records), a_row(ids.new()))


async def insert_one_of_now(connection: Any, _records: list[UUID]) -> None:
    await connection.execute(insert(audit_records), a_row(ids.new(), datetime.now(UTC)))


async def insert_one_of_tomorrow(connection: Any, _records: list[UUID]) -> None:
    row = a_row(ids.new(), datetime.now(UTC) + timedelta(days=1))
    await connection.execute(insert(audit_records), row)
    await connection.execute(insert(audit_unsealed), {"record_id": row["id"]})


async def swap(connection: Any, records: list[UUID]) -> None:
    for source, to in ((5, None), (6, 5), (None, 6)):
        named, renamed = (UUID(int=1) if place is None else records[place] for place in (source, to))
        await connection.execute(update(audit_records).where(audit_records.c.id == named).values(id=renamed))


async def remove_newest(connection: Any, records: list[UUID]) -> None:
    for table, column in ((audit_records, audit_records.c.id), (audit_seals, audit_seals.c.record_id)):
        await connection.execute(delete(table).where(column.in_(records[-10:])))


async def restore(connection: Any, records: list[UUID]) -> None:
    """Restore a backup of the first two records, and go on: as many records as before follow."""
    for table, column in ((audit_records, audit_records.c.id), (audit_seals, audit_seals.c.record_id)):
        await connection.execute(delete(table).where(column.in_(records[2:])))
    rows = [a_row(ids.new(), datetime.now(UTC)) for _ in range(20)]
    await connection.execute(insert(audit_records), rows)
    await connection.execute(insert(audit_unsealed), [{"record_id": row["id"]} for row in rows])


@FILES
@pytest.mark.parametrize(
    ("tamper", "faults", "told"),
    [
        (alter, 1, "was altered"),
        (alter_a_microsecond, 1, "was altered"),
        (remove, 1, "was removed"),
        (remove_with_seal, 1, "seals 6 to 6 are missing"),
        (insert_one, 1, "has no seal"),
        (insert_one_of_now, 1, "is not waiting for a seal"),
        (insert_one_of_tomorrow, 1, "has a time in the future"),
        (swap, 2, "was altered, or another one has its place"),
        (remove_newest, 1, "newest records are missing: 20 were sealed"),
        (restore, 1, "first 20 records are not those whose head was published"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_what_an_administrator_of_the_database_does_is_found(
    stored: Application, anchors: FileAuditAnchors, tamper: Tampering, faults: int, told: str
) -> None:
    database = stored.storage.database()
    await record(stored, *map(a_deed, range(20)))
    await seal_and_publish(stored, anchors)
    records = [link.record for link in await stored.audit.chain().links(0, 100)]
    async with database.writing() as connection:
        await tamper(connection, records)
        await connection.commit()
    if tamper is restore:
        await stored.audit.chain().seal(100)

    found = await verify(stored, anchors)

    assert found.faults == faults, found
    assert told in found.findings[0]


async def test_lost_heads_are_found(stored: Application, anchors: FileAuditAnchors, tmp_path: Any) -> None:
    clock, path = StoppedClock(datetime.now(UTC)), tmp_path / "heads.jsonl"
    stored.process.clock.override(clock)
    await record(stored, *map(a_deed, range(3)))
    await stored.audit.chain().seal(10)
    assert (await verify(stored, anchors)).findings == [], "the first head is not due yet"
    await seal_and_publish(stored, anchors)
    first = path.read_bytes()
    await record(stored, *map(a_deed, range(2)))
    await seal_and_publish(stored, anchors)
    clock.pass_by(PUBLISHED_WITHIN * 2)
    assert (await verify(stored, anchors)).findings == []
    assert (await verify(stored, NoAuditAnchors())).findings == []

    path.write_bytes(first)
    assert "the 2 newest seals are in no published head" in (await verify(stored, anchors)).findings[0]
    path.unlink()
    assert "the 5 newest seals are in no published head" in (await verify(stored, anchors)).findings[0]


@FILES
async def test_a_removed_record_is_found_though_it_had_no_seal(stored: Application, anchors: FileAuditAnchors) -> None:
    database = stored.storage.database()
    await record(stored, *map(a_deed, range(3)))
    async with database.writing() as connection:
        await connection.execute(delete(audit_records).where(audit_records.c.target == "batch/1"))
        await connection.commit()

    assert await seal_and_publish(stored, anchors) == 3
    [finding] = (await verify(stored, anchors)).findings
    assert "was removed" in finding


async def test_sealers_and_writers_at_once_make_one_chain(stored: Application, anchors: FileAuditAnchors) -> None:
    async def write(number: int) -> None:
        await record(stored, *(a_deed(number) for _ in range(5)))

    async def seal(writing: asyncio.Future[Any]) -> int:
        sealed = 0
        while not writing.done():
            with suppress(CoreError):  # it waited for the other sealer for too long
                sealed += await stored.audit.chain().seal(7)
            await asyncio.sleep(0)
        return sealed

    writing = asyncio.gather(*map(write, range(64)))
    sealed = sum(await asyncio.gather(*(seal(writing) for _ in range(2))))
    sealed += await seal_and_publish(stored, anchors)

    found = await verify(stored, anchors)
    assert (sealed, found.records, found.findings) == (320, 320, [])


async def test_heads_that_cannot_be_read_are_named(anchors: FileAuditAnchors, tmp_path: Any) -> None:
    (tmp_path / "heads.jsonl").write_text('{"count": 1}\n')
    with pytest.raises(CoreError, match=r"line 1 of .*heads.jsonl is no head"):
        [head async for head in anchors.heads()]

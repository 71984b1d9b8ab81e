"""The contract of what follows from the event log, for every kind of persistence."""

import asyncio
import re
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from adapters.memory.engine.database import MemoryDatabase
from adapters.sql.engine.tables import event_log
from config.container import Application
from core.kernel.decisions import Decision
from core.kernel.errors import Invalid
from core.kernel.pace import Pace
from core.messaging.log_records import Difference, UnreadableLog
from core.messaging.message import Message
from core.messaging.projections import RebuildUnderWay
from core.messaging.restore_records import UnknownAggregate
from tests.contract.test_fee_accounts import a_payment, read, take
from tests.databases import statements
from tests.examples import NOON, ids
from tests.rebuilt_office import NAMES, RebuiltOffice

SQL = pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)


@pytest.fixture
async def office(stored: Application, monkeypatch: pytest.MonkeyPatch) -> RebuiltOffice:
    for module in ("rebuild_projection", "verify_projection"):
        monkeypatch.setattr(f"core.messaging.{module}.EVENTS_PER_PAGE", 7)
    office = RebuiltOffice(stored)
    await office.live(Random(11), 36)
    return office


async def test_what_was_deleted_is_rebuilt_byte_for_byte(office: RebuiltOffice) -> None:
    before = await office.dump()
    await office.delete_derived()
    assert not any((await office.dump()).values())

    await office.rebuild_all()
    await office.settle_down()

    assert await office.dump() == before
    assert sum(len(rows) for rows in before.values()) > 30
    for name in NAMES:
        assert (await office.verify(name)).is_right


async def test_a_projection_that_is_right_has_no_difference_and_each_row_an_event(office: RebuiltOffice) -> None:
    before = await office.dump()

    for name in NAMES:
        found = await office.verify(name)
        assert (found.is_right, found.waiting, found.differences) == (True, 0, [])
        assert found.rows > 3

    assert await office.dump() == before


async def damage(office: RebuiltOffice, *statements: str) -> None:
    async with office.stored.storage.database().writing() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)
        await connection.commit()


@SQL
async def test_each_difference_is_named_by_row_and_column_and_a_rebuild_leaves_it_to_a_person(
    office: RebuiltOffice,
) -> None:
    await damage(
        office,
        "UPDATE submissions SET total_minor = total_minor + 1",
        "UPDATE postings SET debit = 'bank:thief' WHERE kind = 'settlement' AND number = 0",
    )
    fees, books = await office.verify("submissions"), await office.verify("ledger")
    damaged = await office.dump()

    assert {(each.table, each.column) for each in fees.differences} == {("submissions", "total_minor")}
    assert {each.key for each in fees.differences} == {str(each) for each in office.fees}
    assert {(each.table, each.column) for each in books.differences} == {("postings", "debit")}
    assert (fees.missing, fees.different, fees.unexplained) == (0, len(office.fees), 0)
    assert (await office.rebuild("submissions")).different == len(office.fees)
    assert (await office.dump())["submissions"] == damaged["submissions"]


@SQL
async def test_a_row_that_follows_from_no_event_is_counted(office: RebuiltOffice) -> None:
    [fee] = office.fees[:1]
    named = f"UPDATE submissions SET id = X'{ids.new().hex}' WHERE id = X'{fee.hex}'"
    await damage(office, named, "INSERT INTO sku_views (generation, sku, version) VALUES (1, 'unheard-of', 3)")

    fees, stock = await office.verify("submissions"), await office.verify("inventory")

    assert (fees.missing, fees.unexplained) == (1, 1)
    assert fees.differences == [Difference("submissions", str(fee), "")]
    assert (stock.missing, stock.different, stock.unexplained) == (0, 0, 1)


@SQL
async def test_a_lost_posting_comes_back_and_every_sum_is_right_again(office: RebuiltOffice) -> None:
    before = await office.dump()
    await damage(
        office,
        "DELETE FROM postings WHERE kind = 'payment'",
        "UPDATE daily_sums SET sum_minor = sum_minor - 7 WHERE account = 'clearing:sandbox'",
        "DELETE FROM daily_sums WHERE substr(account, 1, 7) = 'income:'",
    )
    report = await office.rebuild("ledger")

    assert await office.dump() == before
    assert (report.restored > 0, report.derived > 1) == (True, True)
    assert (await office.office.verify()).disagreement == ""


@SQL
async def test_sums_stay_right_while_postings_are_added_up_during_a_rebuild(office: RebuiltOffice) -> None:
    for number in range(3):
        await take(office.stored, office.fees[0], a_payment(100 + number, f"more-{number}"))
    await office.office.deliver()  # the postings wait to be added up

    await asyncio.gather(office.rebuild("ledger"), office.stored.use_cases().ledger.add_up_postings())
    await office.settle_down()

    assert (await office.office.verify()).disagreement == ""
    assert (await office.dump())["unsummed_postings"] == []


CROWD = """INSERT INTO line_views (generation, order_id, sku, document, version)
    WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 5000)
    SELECT /*+ SET_VAR(cte_max_recursion_depth = 5000) */ 1, CONCAT('crowd-', i), 'K', '{}', 1 FROM numbers"""


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
async def test_a_comparison_looks_rows_up_by_their_keys(office: RebuiltOffice) -> None:
    await damage(office, CROWD, "ANALYZE TABLE line_views")
    asked = statements(office.stored)
    assert (await office.verify("inventory")).unexplained == 5_000
    looked_up = [each for each in list[Any](asked) if "_views" in each.statement and " IN (" in each.statement]
    async with office.stored.storage.database().reading() as connection:
        for each in looked_up:
            plan = await connection.exec_driver_sql(f"EXPLAIN FORMAT=TRADITIONAL {each.statement}", each.parameters[0])
            if "line_views" in each.statement:
                assert [step["type"] for step in plan.mappings()] == ["range"]
    assert any("line_views" in each.statement for each in looked_up)


async def test_events_that_the_consumer_has_still_to_process_are_no_difference(office: RebuiltOffice) -> None:
    await take(office.stored, office.fees[0], a_payment(100, "late"))
    await office.stock.buy("late", 9)

    found = {name: await office.verify(name) for name in NAMES}

    assert all(each.is_right for each in found.values())
    assert {name: each.waiting > 0 for name, each in found.items()} == {
        "inventory": True,
        "ledger": True,
        "submissions": False,
    }


async def test_an_event_that_was_processed_without_its_rows_is_a_difference(office: RebuiltOffice) -> None:
    await office.delete_derived("ledger")

    found = await office.verify("ledger")

    assert (found.is_right, found.waiting, found.rows) == (False, 0, 0)
    assert found.missing == len(found.differences) > 5


async def test_one_submission_is_rebuilt_alone(office: RebuiltOffice) -> None:
    before = await office.dump()
    await office.delete_derived("submissions")
    restore = office.stored.use_cases().messaging.restore_records

    first = await restore("submissions", office.fees[0])
    again = await restore("submissions", office.fees[0])

    assert (first.restored, again.restored) == (1, 0)
    [row] = (await office.dump())["submissions"]
    assert row in before["submissions"]
    with pytest.raises(UnknownAggregate, match="no event of"):
        await restore("submissions", ids.new())
    with pytest.raises(Invalid, match="leave out `--only`"):
        await restore("inventory", office.fees[0])


async def test_the_postings_of_one_fee_are_rebuilt_alone(office: RebuiltOffice) -> None:
    [paid, *_] = [each for each in office.fees if (await read(office.stored, each)).payments]
    show = office.stored.use_cases().ledger.show_statement
    before = await show(paid)
    await office.delete_derived("ledger")

    report = await office.stored.use_cases().messaging.restore_records("ledger", paid)

    assert await show(paid) == before
    assert len(before.transactions) > 1
    assert report.restored >= len(before.transactions)
    assert [each for each in office.fees if (await show(each)).transactions] == [paid]


async def test_the_consumer_and_a_rebuild_can_post_at_the_same_time(office: RebuiltOffice) -> None:
    for number in range(20):
        await take(office.stored, office.fees[0], a_payment(100 + number, f"more-{number}"))

    await asyncio.gather(office.office.deliver(), office.rebuild("ledger"), office.rebuild("submissions"))
    await office.settle_down()

    assert (await office.verify("ledger")).is_right
    assert (await office.verify("ledger")).waiting == 0
    assert (await office.office.verify()).disagreement == ""


@SQL
async def test_a_rebuild_that_is_killed_ahead_of_the_consumer_leaves_every_balance_right(
    office: RebuiltOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.messaging.rebuild_projection.EVENTS_PER_PAGE", 1_000)
    await take(office.stored, office.fees[0], a_payment(100, "late"))

    class Killed(BaseException):
        """Ends a process without any cleanup."""

    def kill(_events: int, until: datetime) -> None:
        if until == NOON:  # after the page of all payments
            raise Killed

    with pytest.raises(Killed):
        await office.stored.use_cases().messaging.rebuild_projection("ledger", Pace(), kill)
    await office.settle_down()

    assert (await office.office.verify()).disagreement == ""


async def test_a_rebuild_that_is_killed_is_completed_by_the_next_one(office: RebuiltOffice) -> None:
    before = await office.dump()
    await office.delete_derived("submissions", "ledger")
    rebuild = office.stored.use_cases().messaging.rebuild_projection

    class Killed(BaseException):
        """Ends a process without any cleanup."""

    def kill(_events: int, _until: datetime) -> None:
        raise Killed

    for name in ("submissions", "ledger"):
        with pytest.raises(Killed):
            await rebuild(name, Pace(), kill)
        with pytest.raises(RebuildUnderWay):
            await office.rebuild(name)
        await office.stored.messaging.projections().renew(name, 2, 0)  # its lease has expired
        await office.rebuild(name)
    if isinstance(office.stored.storage.database(), MemoryDatabase):  # there the views were deleted too
        await office.rebuild("inventory")
    await office.settle_down()

    assert await office.dump() == before


async def test_a_log_with_a_gap_is_refused_by_the_aggregate_and_nothing_is_changed(office: RebuiltOffice) -> None:
    await lose_an_event(office, "inventory", "Allocated")
    before = await office.dump()

    for act in (office.rebuild, office.verify):
        with pytest.raises(UnreadableLog, match=r"the log of inventory lacks an event: [0-9a-f-]{36} has \d+ of \d+"):
            await act("inventory")

    assert await office.dump() == before
    assert (await office.verify("ledger")).is_right


@pytest.mark.parametrize("stored_settings", ["memory", "mysql"], indirect=True)
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"type": "FeeForgiven"}, "this program knows no such type: upgrade it"),
        ({"body": b'{"at":'}, "Input data was truncated"),
        ({"body": b'{"at":1}'}, "Expected `datetime`"),
        ({"body": b'{"sku":"K","added_by_a_later_release":1}'}, "missing required field"),
    ],
)
async def test_an_event_that_cannot_be_read_is_named_and_the_old_views_stay(
    office: RebuiltOffice, change: dict[str, Any], why: str
) -> None:
    seen = await office.stored.inventory.stock_views().sku("SU-EXAM-KIT")
    changed = await change_an_event(office, "inventory", change)

    for act in (office.rebuild, office.verify):
        with pytest.raises(UnreadableLog, match=re.escape(str(changed))) as refusal:
            await act("inventory")
        assert why in str(refusal.value)

    assert await office.stored.inventory.stock_views().sku("SU-EXAM-KIT") == seen
    live = await office.stored.messaging.projections().begin_rebuild("inventory", 1)  # the lease was given back
    assert live == 3


async def test_a_submission_of_an_earlier_release_is_compared_and_cannot_be_restored(office: RebuiltOffice) -> None:
    await forget_kept(office)
    assert (await office.verify("submissions")).is_right
    assert (await office.rebuild("submissions")).restored == 0

    await office.delete_derived("submissions")

    with pytest.raises(UnreadableLog, match=r"an earlier release logged it without received_at, document"):
        await office.rebuild("submissions")


async def test_an_erased_student_stays_erased_after_a_rebuild(office: RebuiltOffice) -> None:
    before = await office.dump()
    await office.stored.use_cases().students.erase_student("T-1", Decision(who="meera", why="her request"))
    await office.delete_derived()

    await office.rebuild_all()
    await office.settle_down()

    assert await office.dump() == before
    assert (await office.stored.use_cases().fees.show_exam_fee(str(office.fees[0]))).registration == ""
    assert "T-1'" not in repr(await office.dump()) and '"registration":"T' not in repr(await office.dump())


async def events_of(office: RebuiltOffice, context: str) -> list[Message]:
    return list(await office.stored.messaging.event_history().page(context, None, 1_000))


async def lose_an_event(office: RebuiltOffice, context: str, kind: str) -> None:
    lost = next(each for each in await events_of(office, context) if each.type == kind)
    database = office.stored.storage.database()
    if isinstance(database, MemoryDatabase):
        del database.events[lost.id]
    else:
        await damage(office, f"DELETE FROM event_log WHERE event_id = X'{lost.id.hex}'")


async def change_an_event(office: RebuiltOffice, context: str, change: dict[str, Any]) -> UUID:
    changed = (await events_of(office, context))[3]
    database = office.stored.storage.database()
    if isinstance(database, MemoryDatabase):
        database.events[changed.id] = replace(changed, **change)
    else:
        [(name, value)] = change.items()
        value = value.decode() if isinstance(value, bytes) else value
        async with database.writing() as connection:
            which = event_log.c.event_id == changed.id
            await connection.execute(update(event_log).where(which).values({name: value}))
            await connection.commit()
    return changed.id


async def forget_kept(office: RebuiltOffice) -> None:
    database = office.stored.storage.database()
    if isinstance(database, MemoryDatabase):
        for event in list(database.events.values()):
            database.events[event.id] = replace(event, kept=b"")
    else:
        await damage(office, "UPDATE event_log SET kept = NULL")

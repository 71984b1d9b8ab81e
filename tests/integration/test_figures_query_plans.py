"""The figures of monitoring read a part of an index, independent of the number of rows."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Select, insert, literal, select, text, true

from adapters.sql.messaging.tables import dead_letters
from adapters.sql.notifications.tables import deliveries
from config.container import Application
from core.notifications.delivery import DeliveryState
from tests.contract.test_dead_letters import bury
from tests.databases import statements
from tests.examples import NOON, a_message, ids

pytestmark = pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
SETTLED = 6_000


def row(number: int, state: DeliveryState) -> dict[str, Any]:
    return {
        **{name: ids.new() for name in ("id", "notice_id", "about_id", "student_id")},
        "channel": "email",
        "template": "receipt",
        "facts": {},
        "state": state,
        "attempts": 1,
        "due_at": NOON + timedelta(seconds=number),
        "reason": "",
    }


def settled_letters() -> Select[Any]:
    """Select copies of a dead letter that were dropped, one for each delivery."""
    one = select(dead_letters).limit(1).subquery()
    changed = {"message_id": deliveries.c.id, "state": literal("dropped")}
    columns = [changed.get(column.name, one.c[column.name]) for column in dead_letters.columns]
    return select(*columns).select_from(deliveries.join(one, true()))


async def test_figures_read_what_waits_and_not_what_is_settled(stored: Application) -> None:
    database = stored.storage.database()
    states = [DeliveryState.SENT] * SETTLED + [DeliveryState.PENDING] * 20 + [DeliveryState.UNKNOWN] * 20
    await bury(stored, *(a_message() for _ in range(3)))
    async with database.autocommit() as connection:
        await connection.execute(insert(deliveries), [row(*each) for each in enumerate(states)])
        await connection.execute(insert(dead_letters).from_select(dead_letters.columns, settled_letters()))
        await connection.execute(text("ANALYZE TABLE deliveries, dead_letters"))

    asked = statements(stored)
    await stored.notifications.delivery_figures().waiting()
    await stored.messaging.backlog().snapshot()
    await stored.messaging.backlog().buried()
    steps: list[Any] = []
    async with database.reading() as connection:
        for each in list[Any](asked):
            plan = await connection.exec_driver_sql(f"EXPLAIN FORMAT=TRADITIONAL {each.statement}", each.parameters[0])
            steps += plan.mappings()

    used = {(step["table"], step["key"]) for step in steps if step["key"]}
    of_deliveries = [step["rows"] for step in steps if step["table"] == "deliveries"]
    assert {("deliveries", "ix_deliveries_due"), ("dead_letters", "ix_dead_letters_at"), ("outbox", "PRIMARY")} <= used
    assert (len(of_deliveries), max(of_deliveries)) == (6, 20)

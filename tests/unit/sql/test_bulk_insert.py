from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Dialect, insert
from sqlalchemy.dialects import mysql, sqlite

from adapters.sql.engine.inserts import MAX_ROWS_PER_STATEMENT, UPSERT, compile_insert, in_parts, replacing
from adapters.sql.engine.tables import heartbeat, outbox
from adapters.sql.schema import metadata

ROWS = [{"event_id": None, "shard": number} for number in range(300)]


def test_however_many_rows_there_are_statements_are_of_few_lengths_and_keep_their_order() -> None:
    lengths = set[int]()
    for number in range(len(ROWS) + 1):
        parts = list(in_parts(ROWS[:number]))
        lengths |= {len(part) for part in parts}

        assert [row for part in parts for row in part] == ROWS[:number]
        assert len(parts) <= number / MAX_ROWS_PER_STATEMENT + 8

    assert lengths == {1, 2, 4, 8, 16, 32, 64, 128, MAX_ROWS_PER_STATEMENT}


def test_a_statement_takes_each_value_where_its_column_stands_whatever_the_order_of_the_row() -> None:
    for dialect, mark in ((mysql.dialect(), "%s"), (sqlite.dialect(), "?")):
        insertion = compile_insert(outbox, ("shard", "event_id"), 2, dialect)

        assert insertion.statement == f"INSERT INTO outbox (event_id, shard) VALUES ({mark}, {mark}), ({mark}, {mark})"
        assert insertion.parameters(ROWS[:2]) == (None, 0, None, 1)


@pytest.mark.parametrize("dialect", [mysql.dialect(), sqlite.dialect()], ids=lambda dialect: dialect.name)
def test_a_statement_of_several_rows_is_the_one_that_sqlalchemy_compiles(dialect: Dialect) -> None:
    for table in metadata.tables.values():
        columns = tuple(table.columns.keys())
        rewritable = len(columns) > len(table.primary_key.columns)

        for replace in (False, True) if rewritable else (False,):
            special = replacing(table) if replace else table.info.get(UPSERT)
            several = (special(dialect) if special else insert(table)).values([dict.fromkeys(columns)] * 3)

            statement = compile_insert(table, columns, 3, dialect, replace=replace).statement
            assert statement == str(several.compile(dialect=dialect))


@pytest.mark.parametrize("dialect", [mysql.dialect(), sqlite.dialect()], ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_a_time_of_any_zone_is_stored_as_utc(dialect: Dialect, zone: str) -> None:
    moment = datetime(2026, 11, 20, 12, 30, 0, 123456, tzinfo=UTC).astimezone(ZoneInfo(zone))
    insertion = compile_insert(heartbeat, ("id", "at", "padding"), 1, dialect)

    stored = insertion.parameters([{"id": 1, "at": moment, "padding": b""}])[1]

    assert str(stored).removesuffix("+00:00") == "2026-11-20 12:30:00.123456"

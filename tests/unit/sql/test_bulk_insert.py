from sqlalchemy.dialects import mysql, sqlite

from adapters.sql.engine.inserts import MAX_ROWS_PER_STATEMENT, compile_insert, in_parts
from adapters.sql.engine.tables import outbox

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

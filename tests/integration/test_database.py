from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from adapters.sql.database import sqlite


async def test_an_error_of_the_database_does_not_tell_what_was_written(tmp_path: Path) -> None:
    database = sqlite(str(tmp_path / "bursar.db"))
    async with database.at_once() as connection:
        await connection.execute(text("CREATE TABLE people (email TEXT UNIQUE)"))
        insert = text("INSERT INTO people VALUES (:email)")
        await connection.execute(insert, {"email": "asha@example.org"})
        with pytest.raises(IntegrityError) as refused:
            await connection.execute(insert, {"email": "asha@example.org"})
    await database.close()

    assert "asha" not in str(refused.value)

"""What an error of the database says about its server."""

import sqlite3

import pytest

from adapters.sql.engine.driver_errors import is_full, takes_no_writes


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Exception(1290, "The MySQL server is running with the --super-read-only option"), (True, False)),
        (Exception(1290, "The MySQL server is running with the --read-only option"), (True, False)),
        (Exception(1290, "The MySQL server is running with the --secure-file-priv option"), (False, False)),
        (Exception(1792, "Cannot execute statement in a READ ONLY transaction."), (True, False)),
        (Exception(1836, "Running in read-only mode"), (True, False)),
        (Exception(3032, "The server is currently in offline mode"), (True, False)),
        (Exception(3100, "Error on observer while running replication hook 'before_commit'."), (True, False)),
        (Exception(1114, "The table 'submissions' is full"), (False, True)),
        (Exception(1021, "Disk full (/tmp/x); waiting for someone to free some space"), (False, True)),
        (sqlite3.OperationalError("database or disk is full"), (False, True)),
        (Exception(1062, "Duplicate entry '1792' for key 'students.PRIMARY'"), (False, False)),
        (sqlite3.OperationalError("database is locked"), (False, False)),
        (Exception(), (False, False)),
    ],
)
def test_an_error_tells_a_server_that_takes_no_writes_from_a_full_one(
    error: Exception, said: tuple[bool, bool]
) -> None:
    assert (takes_no_writes(error), is_full(error)) == said

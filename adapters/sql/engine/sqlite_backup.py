"""An online copy of a SQLite database, while processes write to it."""

import asyncio
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.kernel.errors import Conflict, Unavailable


class BackupExists(Conflict):
    """The file of the backup exists."""

    problem = "backup-exists"


@dataclass(frozen=True, slots=True)
class SqliteBackup:
    """Copies the database of one moment into a new file, and checks the copy."""

    path: str

    async def __call__(self, target: Path) -> int:
        """Return the bytes of the copy; raise `BackupExists` or `Unavailable`."""
        return await asyncio.to_thread(copy, self.path, target)


def copy(path: str, target: Path) -> int:
    """Copy in one step, which holds no writer up; what cannot be completed leaves no file under the name."""
    if target.exists():
        raise BackupExists(f"{target} exists: give the backup a new name")
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        readable = f"{Path(path).resolve().as_uri()}?mode=ro"
        with (
            closing(sqlite3.connect(readable, uri=True)) as source,
            closing(sqlite3.connect(part)) as copied,
        ):
            source.backup(copied)
            copied.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
            found = copied.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise Unavailable(f"the copy of {path} is damaged: {found}")
        descriptor = os.open(part, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        part.rename(target)
    except sqlite3.Error as error:
        raise Unavailable(f"{path} cannot be copied to {target}: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size

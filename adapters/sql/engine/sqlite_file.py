"""Notices that the file of a SQLite database was deleted or replaced under its open connections."""

import os
from contextlib import suppress
from pathlib import Path

from core.kernel.errors import Unavailable


class SqliteFile:
    """The file that the first connection opened; writes to one without a name would end with the process."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._identity: tuple[int, int] | None = None
        self._has_log = False

    def create(self) -> None:
        """Create a missing file that only its owner reads; SQLite gives its log the same mode, and reports failures."""
        if self._identity is None and self._path:
            with suppress(OSError):
                os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def check(self) -> None:
        """Raise `Unavailable` unless the path still names the opened file, once one is open."""
        if self._identity is not None and self._identity != self._current():
            raise Unavailable(
                f"{self._path} was deleted or replaced while this process uses it: put the file back,"
                " or restart the process to use the new one"
            )

    def check_all(self) -> None:
        """Raise `Unavailable` also if the log of an open connection was deleted: SQLite would not notice."""
        self.check()
        if self._has_log and not self._log_exists():
            raise Unavailable(f"{self._path}-wal was deleted while this process uses it: restart the process")

    def note(self) -> None:
        """Remember the file of the first connection; SQLite deletes its log only with the last connection."""
        self._identity = self._identity or self._current()
        self.note_log()

    def note_log(self) -> None:
        """Remember whether the log exists, which the first transaction to write creates."""
        self._has_log = self._log_exists()

    def _log_exists(self) -> bool:
        return Path(f"{self._path}-wal").exists()

    def _current(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - follows links, as SQLite does
        except OSError:
            return None
        return found.st_dev, found.st_ino

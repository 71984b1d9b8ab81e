"""A process is ready only while the database takes writes, and its file is the one that has the name."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from adapters.system.exclusive_file_lock import FileInUse, exclusive_file_lock
from config.container import Application
from core.kernel.errors import Unavailable
from tests.examples import a_student, enrol, unpublished

on_sqlite = pytest.mark.parametrize("stored_settings", ["sqlite"], indirect=True)
HOLD = "import sys\nfrom adapters.system.exclusive_file_lock import exclusive_file_lock as lock\n"
HOLD += "with lock(sys.argv[1]):\n print('held', flush=True)\n sys.stdin.read()"


async def check(application: Application) -> str:
    return str(await application.storage.persistence_probe().check())


@on_sqlite
async def test_a_file_that_may_not_grow_is_not_ready(stored: Application) -> None:
    async with stored.storage.database().reading() as connection:
        pages = await connection.scalar(text("PRAGMA page_count"))
        await connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(Unavailable, match="full"):
        await check(stored)

    async with stored.storage.database().reading() as connection:
        await connection.execute(text("PRAGMA max_page_count = 1000000"))
    stored.storage.database().fullness.at -= 60
    assert await check(stored)


@on_sqlite
async def test_a_full_disk_is_not_ready(stored: Application, tmp_path: Path) -> None:
    await check(stored)
    largest = max(path.stat().st_size for path in tmp_path.iterdir())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
    try:
        with pytest.raises(Unavailable):
            for _ in range(100):  # the log has room from earlier writes
                await check(stored)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert await check(stored)


@on_sqlite
async def test_a_refused_write_counts_although_the_probe_finds_room(stored: Application) -> None:
    stored.storage.database().fullness.note("database or disk is full")

    with pytest.raises(Unavailable, match="disk is full"):
        await check(stored)


def delete(path: Path) -> None:
    path.unlink()


def replace_by_copy(path: Path) -> None:
    shutil.copy(path, f"{path}.copy")
    Path(f"{path}.copy").rename(path)


def delete_log(path: Path) -> None:
    Path(f"{path}-wal").unlink()


@on_sqlite
@pytest.mark.parametrize("change", [delete, replace_by_copy, delete_log])
async def test_writes_to_a_file_without_its_name_are_refused(
    stored: Application, change: Callable[[Path], None]
) -> None:
    path = Path(stored.settings().sqlite.path)
    await enrol(stored, a_student(1))
    change(path)

    for write in (lambda: enrol(stored, a_student(2)), lambda: unpublished(stored), lambda: check(stored)):
        with pytest.raises(Unavailable, match="was deleted"):
            await write()
    assert change is not delete or not path.exists()


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_the_sole_use_of_a_file_has_no_second_name(tmp_path: Path, link: Callable[[Path, Path], None]) -> None:
    path, other = tmp_path / "bursar.db", tmp_path / "elsewhere" / "office.db"
    path.touch()
    other.parent.mkdir()
    link(path, other)

    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=-1, stdout=-1, text=True) as holder:
        assert holder.stdin and holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FileInUse), exclusive_file_lock(str(other)):
            pass
        holder.stdin.close()
    with exclusive_file_lock(str(other)):
        pass


@pytest.mark.parametrize("path", ["nowhere/bursar.db", "."])
def test_a_file_that_cannot_be_used_is_told_with_the_setting_to_correct(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    file = str(tmp_path / "folder" / path)

    with pytest.raises(OSError, match=r"sqlite\.path names a file, in a folder") as fault, exclusive_file_lock(file):
        pass

    assert fault.value.filename == file

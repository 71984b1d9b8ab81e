from pathlib import Path

import pytest

from adapters.memory.messaging.inbox import MemoryInbox
from config.container import Application
from core.messaging.routing import Routes
from entrypoints.runtime.first_api_key import KeyFileExists, create_first_api_key
from tests.applications import an_application

MODULE = create_first_api_key.__module__


@pytest.fixture
def office() -> Application:
    return an_application(routes=Routes())


async def first_key(office: Application, file: Path) -> str:
    return await create_first_api_key(office.use_cases(), office.messaging.new_inbox, file)


async def test_the_first_key_is_in_a_file_of_its_owner_and_works(office: Application, tmp_path: Path) -> None:
    file = tmp_path / "bursar.key"

    key = await first_key(office, file)

    assert file.read_text() == f"{key}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert (await office.use_cases().identity.authenticate_api_key(key)).permissions


async def test_a_later_start_creates_none(office: Application, tmp_path: Path) -> None:
    file = tmp_path / "bursar.key"
    key = await first_key(office, file)

    assert await first_key(office, file) == ""
    assert file.read_text() == f"{key}\n"


async def test_the_key_of_a_database_that_is_gone_is_replaced(office: Application, tmp_path: Path) -> None:
    file, old = tmp_path / "bursar.key", an_application(routes=Routes())
    before = await first_key(old, file)
    file.chmod(0o644)

    after = await first_key(office, file)

    assert (file.read_text(), file.stat().st_mode & 0o777) == (f"{after}\n", 0o600)
    assert after != before


@pytest.mark.parametrize("link", [False, True])
async def test_another_file_is_neither_read_nor_overwritten(office: Application, tmp_path: Path, link: bool) -> None:
    other, file = tmp_path / "other", tmp_path / "bursar.key"
    other.write_text("something else")
    if link:
        file.symlink_to(other)
    else:
        file.write_text("something else")

    with pytest.raises(KeyFileExists, match=r"identity\.key_file"):
        await first_key(office, file)

    assert (other.read_text(), file.read_text()) == ("something else",) * 2
    assert not (await office.use_cases().identity.list_accounts(None, 1)).items


class FullDisk:
    """A file whose writes fail."""

    def __call__(self, *_: object) -> None:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("place", ["fsync", "write"])
async def test_a_key_that_cannot_be_kept_does_not_exist_and_the_next_start_tries_again(
    office: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    file, identity = tmp_path / "bursar.key", office.use_cases().identity
    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space left"):
        patched.setattr(*{"fsync": ("os.fsync", FullDisk()), "write": (f"{MODULE}.write_durably", FullDisk())}[place])
        await first_key(office, file)

    assert not file.exists()
    assert not (await identity.list_accounts(None, 1)).items
    key = await first_key(office, file)
    assert (await identity.authenticate_api_key(key)).permissions
    assert [key.name for key in (await identity.list_api_keys(None, None, 10)).items] == ["first start"]


async def test_a_key_whose_storing_fails_is_not_left_in_the_file(
    office: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bursar.key"
    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space left"):
        patched.setattr(MemoryInbox, "commit", FullDisk())
        await first_key(office, file)

    assert not file.exists()
    assert await first_key(office, file)

from pathlib import Path

import pytest

from config.container import Application
from config.settings import Adapters, Settings
from core.identity.use_cases import IdentityUseCases
from entrypoints.runtime.first_api_key import KeyFileExists, create_first_api_key


@pytest.fixture
def identity() -> IdentityUseCases:
    return Application(settings=Settings(adapters=Adapters(persistence="memory"))).use_cases().identity


async def test_the_first_key_is_in_a_file_of_its_owner_and_works(identity: IdentityUseCases, tmp_path: Path) -> None:
    file = tmp_path / "bursar.key"

    key = await create_first_api_key(identity, file)

    assert file.read_text() == f"{key}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert (await identity.authenticate_api_key(key)).permissions


async def test_a_later_start_creates_none(identity: IdentityUseCases, tmp_path: Path) -> None:
    file = tmp_path / "bursar.key"
    key = await create_first_api_key(identity, file)

    assert await create_first_api_key(identity, file) == ""
    assert file.read_text() == f"{key}\n"


async def test_the_key_of_a_database_that_is_gone_is_replaced(identity: IdentityUseCases, tmp_path: Path) -> None:
    file, old = tmp_path / "bursar.key", Application(settings=Settings(adapters=Adapters(persistence="memory")))
    before = await create_first_api_key(old.use_cases().identity, file)
    file.chmod(0o644)

    after = await create_first_api_key(identity, file)

    assert (file.read_text(), file.stat().st_mode & 0o777) == (f"{after}\n", 0o600)
    assert after != before


@pytest.mark.parametrize("link", [False, True])
async def test_another_file_is_neither_read_nor_overwritten(
    identity: IdentityUseCases, tmp_path: Path, link: bool
) -> None:
    other, file = tmp_path / "other", tmp_path / "bursar.key"
    other.write_text("something else")
    if link:
        file.symlink_to(other)
    else:
        file.write_text("something else")

    with pytest.raises(KeyFileExists, match=r"identity\.key_file"):
        await create_first_api_key(identity, file)

    assert (other.read_text(), file.read_text()) == ("something else",) * 2
    assert not (await identity.list_accounts(None, 1)).items

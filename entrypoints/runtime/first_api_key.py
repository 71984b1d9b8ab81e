"""The first administrator of a new office, and the API key with which the first requests are sent."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

from core.identity.account import NewAccount
from core.identity.api_key import NewApiKey
from core.identity.credential import key_of
from core.identity.roles import Role
from core.kernel.errors import Conflict
from core.messaging.inbox import Inbox
from core.use_cases import UseCases

ADMINISTRATOR = NewAccount(roles=(Role.ADMINISTRATOR,), name="First administrator")
KEY_NAME = "first start"
MAX_KEY_BYTES = 200


class KeyFileExists(Conflict):
    """The file for the first API key exists, and has something else in it."""

    problem = "key-file-exists"


async def create_first_api_key(use_cases: UseCases, new_inbox: Callable[[], Inbox], file: Path | None) -> str:
    """Return a new administrator's key, which is also in the file; empty if there are accounts already.

    Account and key are stored after the file was written: what fails before leaves neither, and the next start tries
    again.
    """
    if (await use_cases.identity.list_accounts(None, 1)).items:
        return ""
    with own_file(file) as write:
        async with new_inbox() as transaction:
            identity = use_cases.within(transaction).identity
            account = await identity.create_account(ADMINISTRATOR)
            issued = await identity.create_api_key(NewApiKey(account=account.id, name=KEY_NAME))
            write(issued.credential)
            await transaction.commit()
    return issued.credential


@contextmanager
def own_file(file: Path | None) -> Iterator[Callable[[str], object]]:
    """Create a file that only its owner can read, before the key that goes into it; remove it if there is none."""
    if file is None:
        yield lambda _: None
        return
    if holds_key(file):  # of a database that is gone
        file.unlink()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise KeyFileExists(f"{file} exists and holds no API key: remove it, or set identity.key_file") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            yield partial(write_durably, opened)
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def write_durably(file: TextIO, text: str) -> None:
    """Write a line, and return when it is on the disk."""
    file.write(f"{text}\n")
    file.flush()
    os.fsync(file.fileno())


def holds_key(file: Path) -> bool:
    """Tell whether a file, which is no link, holds an API key and nothing else."""
    if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_KEY_BYTES:
        return False
    return key_of(file.read_text(encoding="utf-8", errors="replace").strip()) is not None

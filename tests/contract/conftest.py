"""Fixtures of the contract tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.senders import Senders


@pytest.fixture(params=[False, True], ids=["alone", "in the chain"])
async def senders(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Senders]:
    opened = Senders(request.param, tmp_path)
    yield opened
    await opened.close()

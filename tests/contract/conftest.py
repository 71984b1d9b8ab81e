"""Fixtures of the contract tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from config.container import Application
from config.container.messaging import Messaging
from config.settings import Adapters, Settings
from tests.applications import an_application
from tests.contract.senders import Senders


@pytest.fixture(params=[False, True], ids=["alone", "in the chain"])
async def senders(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Senders]:
    opened = Senders(request.param, tmp_path)
    yield opened
    await opened.close()


@pytest.fixture(params=sorted(Messaging.publisher.providers))
async def application(request: pytest.FixtureRequest) -> AsyncIterator[Application]:
    """Create an application for each transport of events."""
    settings = Settings(adapters=Adapters(events=request.param))
    if request.param != "embedded":
        settings = msgspec.structs.replace(settings, **{request.param: request.getfixturevalue(request.param)})
    application = an_application(settings)
    if request.param != "embedded":
        await application.messaging.topics()()
    yield application
    publisher = application.messaging.publisher()
    if hasattr(publisher, "close"):
        await publisher.close()

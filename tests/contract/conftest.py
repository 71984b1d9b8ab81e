"""Fixtures of the contract tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.container import Application
from config.container.messaging import Messaging
from config.sections.servers import Kafka
from config.settings import Adapters, Settings
from entrypoints.contexts import ROUTES
from tests.contract.senders import Senders


@pytest.fixture(params=[False, True], ids=["alone", "in the chain"])
async def senders(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Senders]:
    opened = Senders(request.param, tmp_path)
    yield opened
    await opened.close()


@pytest.fixture(params=sorted(Messaging.publisher.providers))
async def application(request: pytest.FixtureRequest) -> AsyncIterator[Application]:
    """Create an application for each transport of events."""
    kafka = request.getfixturevalue("kafka") if request.param == "kafka" else Kafka()
    application = Application(settings=Settings(adapters=Adapters(events=request.param), kafka=kafka), routes=ROUTES)
    if request.param == "kafka":
        await application.messaging.topics()()
    yield application
    publisher = application.messaging.publisher()
    if hasattr(publisher, "close"):
        await publisher.close()

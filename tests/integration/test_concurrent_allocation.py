"""Several processes allocate the last pieces concurrently."""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest
from sqlalchemy import text

from config.container import Application
from tests.integration import allocation_process as stores_process
from tests.unit.inventory.harness import InventoryHarness

pytestmark = pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
LINES, PIECES = 500, 100


def started(application: Application, name: str) -> subprocess.Popen[str]:
    """Start a process, and wait until it is ready to allocate."""
    mysql = application.settings().mysql
    names = {"HOST": mysql.host, "PORT": str(mysql.port), "DATABASE": mysql.database, "USER": mysql.user}
    given = {f"BURSAR__MYSQL__{word}": value for word, value in names.items()}
    given |= {"BURSAR__MYSQL__PASSWORD": mysql.password.reveal(), "BURSAR__ADAPTERS__PERSISTENCE": "mysql"}
    return subprocess.Popen(
        [sys.executable, "-m", stores_process.__name__, name, str(LINES // 2)],
        env=os.environ | given,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def test_two_processes_allocate_exactly_the_stock_there_is(stored: Application) -> None:
    inventory = InventoryHarness(
        stored.inventory.new_work, stored.inventory.inventory_backlog(), stored.messaging.outbox()
    )
    await inventory.buy("shelf", PIECES, sku="KIT")
    processes = [started(stored, name) for name in ("a", "b")]
    answers = Counter[str]()
    try:
        assert [process.stdout and process.stdout.readline() for process in processes] == ["ready\n"] * 2
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            answers += Counter(json.loads(process.communicate(timeout=60)[0]))
    finally:
        for process in processes:
            process.kill()
            process.wait()

    assert answers == {"Allocation": PIECES, "OutOfStock": LINES - PIECES}
    batch = (await inventory.sku("KIT")).stock.batches["shelf"]
    assert (batch.available, batch.allocated) == (0, PIECES)
    async with stored.storage.database().reading() as connection:
        lines = (await connection.execute(text("SELECT SUM(quantity), COUNT(*) FROM allocations"))).one()
    assert tuple(map(int, lines)) == (PIECES, PIECES)
    news = await inventory.announced_since()
    assert Counter(told.type for told in news) == {"BatchCreated": 1, "Allocated": PIECES, "OutOfStock": 1}
    assert [told.version for told in news] == list(range(1, PIECES + 3))

"""The gauges of a process show its connections, its clock, its disks and its certificates."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from adapters.sql.engine.gauges import SqlGauges
from adapters.system.gauges import MachineGauges
from config.container import Application
from config.container.process import machine_gauges
from config.sections.servers import Kafka, SQLite
from config.settings import Settings
from tests.contract.servers.certificate import certificate
from tests.examples import StoppedClock


def value(name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(f"bursar_{name}", labels)
    assert found is not None, name
    return found


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
async def test_connections_in_use_and_the_clock_are_shown(stored: Application) -> None:
    database = stored.storage.database()
    clock = StoppedClock()
    clock.pass_by(datetime.now(UTC) + timedelta(seconds=90) - clock.now())
    limit = stored.settings().mysql.connections

    async def hold(release: asyncio.Event) -> None:
        async with database.writing():
            await release.wait()

    release = asyncio.Event()
    holding = [asyncio.create_task(hold(release)) for _ in range(limit + 2)]
    async with asyncio.timeout(10):
        while database.engine.pool.checkedout() < limit:
            await asyncio.sleep(0.01)
    await SqlGauges(database, clock).refresh()
    release.set()
    await asyncio.gather(*holding)

    assert (
        value("pool_connections", pool="transactions") == value("pool_connections_limit", pool="transactions") == limit
    )
    assert value("pool_waiting") == 2
    assert 80 < value("clock_skew_seconds") < 91


async def test_disks_and_the_earliest_end_of_certificates_are_shown(tmp_path: Path) -> None:
    file, _ = certificate(tmp_path)
    settings = Settings(sqlite=SQLite(path=str(tmp_path / "bursar.db")))
    await machine_gauges(settings).refresh()
    await MachineGauges({"audit": tmp_path / "gone"}, {"kafka": str(file), "mysql": "gone"}, {}).refresh()

    assert 0 < value("disk_free_bytes", folder="database") <= value("disk_size_bytes", folder="database")
    assert value("certificate_expiry_timestamp_seconds", server="kafka") > datetime.now(UTC).timestamp()
    for name, labels in (
        ("disk_free_bytes", {"folder": "audit"}),
        ("certificate_expiry_timestamp_seconds", {"server": "mysql"}),
    ):
        assert REGISTRY.get_sample_value(f"bursar_{name}", labels) is None


async def test_a_chain_ends_with_its_first_certificate_and_authorities_with_their_last(tmp_path: Path) -> None:
    pems = []
    for days in (30, 5):
        (folder := tmp_path / str(days)).mkdir()
        pems.append(certificate(folder, timedelta(days=days))[0].read_text())
    (both := tmp_path / "both.pem").write_text("".join(pems))
    await MachineGauges({}, {"redis": str(both), "smtp": str(both)}, {"smtp": str(both)}).refresh()

    now = datetime.now(UTC).timestamp()
    days = [(value("certificate_expiry_timestamp_seconds", server=each) - now) / 86_400 for each in ("redis", "smtp")]
    assert days == pytest.approx([30, 5], abs=0.1)


def test_only_files_of_servers_in_use_are_watched() -> None:
    unused = Kafka(tls="verified", ca_file="authorities.pem")

    assert machine_gauges(Settings(kafka=unused))._authorities == {}

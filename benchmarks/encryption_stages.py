"""The rotation of the key that encrypts contacts."""

import time
from uuid import UUID

from sqlalchemy import insert

from adapters.cryptography.column_encryption import ColumnCipher
from adapters.sql.students.tables import students
from adapters.system.clock import TimeOrderedIds
from benchmarks.environment import BenchmarkEnvironment, Figures
from benchmarks.identity_stages import resident_mib
from config.container import Application
from core.kernel.encryption import create_key, read_keys
from core.kernel.pace import Pace
from core.students.rotate_encryption import RotationReport

ROWS_PER_INSERT = 2_000
ROWS_OF_WARM_UP = 50_000
"""By then caches and pools have the size that they keep."""


def rotation(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure how many rows are encrypted with a new key per second, and how much memory that takes."""
    figures: dict[str, float] = {}
    former, current = create_key(), create_key()
    environment.changes["ENCRYPTION__KEYS"] = f"{current},{former}"

    async def measured(application: Application) -> None:
        await store(application, ColumnCipher(read_keys(former)), number)
        memory, steps = dict[bool, float](), list[int]()

        def on_progress(report: RotationReport) -> None:
            steps.append(report.read)
            if report.read >= ROWS_OF_WARM_UP:
                memory.setdefault(True, resident_mib())

        began, busy = time.perf_counter(), time.process_time()
        report = await application.use_cases().students.rotate_encryption(Pace(), on_progress)
        wall, cpu = time.perf_counter() - began, time.process_time() - busy
        if (report.encrypted, report.is_complete) != (number, True):
            raise RuntimeError(f"{number} rows were stored: {report}")
        figures["rows encrypted anew/s"] = number / wall
        figures["rows encrypted anew per second of CPU"] = number / cpu
        figures["rotation memory MiB, RSS, after 50,000 rows"] = memory.get(True, resident_mib())
        figures["rotation memory MiB, RSS, after all rows"] = resident_mib()
        figures["rotation, reports of progress"] = len(steps)

    environment.prepare(measured)
    return figures


async def store(application: Application, cipher: ColumnCipher, number: int) -> None:
    """Store students whose contacts are encrypted."""
    ids = TimeOrderedIds()
    for first in range(0, number, ROWS_PER_INSERT):
        rows = [a_row(ids.new(), place, cipher) for place in range(first, min(first + ROWS_PER_INSERT, number))]
        async with application.storage.database().writing() as connection:
            await connection.execute(insert(students), rows)
            await connection.commit()


def a_row(student: UUID, number: int, cipher: ColumnCipher) -> dict[str, object]:
    """Return a row of usual size."""
    return {
        "id": student,
        "registration": f"SU-2026-{number:07}",
        "name": f"Asha Kulkarni {number}",
        "category": "student",
        "country": "IN",
        "centre": "PUNE-1",
        "certificates": "[]",
        "email": "",
        "phone": "",
        "language": "en",
        "encrypted_email": cipher.encrypt("students.encrypted_email", student, f"asha.{number}@example.org"),
        "encrypted_phone": cipher.encrypt("students.encrypted_phone", student, f"+9198230{number:07}"),
    }

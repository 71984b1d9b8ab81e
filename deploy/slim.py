"""Removes from the installed packages what no process reads: sources, symbols, languages, services of AWS."""

import os
import shutil
import struct
import sys
from pathlib import Path

SOURCES = {".c", ".cc", ".cpp", ".h", ".hpp", ".pxd", ".pyx"}
LANGUAGES = ("en", "hi")
"""Of the templates: Babel knows how hundreds of others write dates."""
LEXERS = {"__init__", "_mapping", "python"}
"""Of Pygments: Rich shows the Python of a crash, and nothing else."""
UNREAD = (
    "sqlalchemy/testing",
    "alembic/testing",
    "greenlet/tests",
    "litestar/testing",
    "asyncmy/replication",
    "babel/messages",
    "botocore/data",
    "botocore/docs",
    "google/api",
    "offapi/scalar.js",
    "offapi/redoc.js",
    "opentelemetry/semconv/_incubating",
    "cffi",
    "pycparser",
    *(f"redis/commands/{each}" for each in ("bf", "json", "search", "timeseries", "vectorset")),
    *(f"strawberry/{each}" for each in ("channels", "cli", "codegen", "django", "http", "pydantic", "schema_codegen")),
    *(f"websockets/{each}" for each in ("asyncio", "legacy", "sync")),
)
"""Requests to SES are signed, and sent without a client; the API page is Swagger's; GraphQL needs no web framework;
extension modules need what cffi has compiled, and no compiler."""
LITTLE_ENDIAN_64 = b"\x7fELF\x02\x01"
SECTIONS_OFFSET, SECTIONS_COUNT, PROGRAM_OFFSET, PROGRAM_SIZE = 40, 60, 32, 54
"""Places in the header of an ELF file; the count is followed by the index of the names."""


def strip(library: Path) -> None:
    """Cut a shared object after its last segment: the loader reads segments, and only debuggers the sections after."""
    content = bytearray(library.read_bytes())
    if not content.startswith(LITTLE_ENDIAN_64):
        return
    [headers] = struct.unpack_from("<Q", content, PROGRAM_OFFSET)
    size, count = struct.unpack_from("<HH", content, PROGRAM_SIZE)
    segments = [struct.unpack_from("<IIQQQQ", content, headers + number * size) for number in range(count)]
    end = max(offset + in_file for _, _, offset, _, _, in_file in segments)
    struct.pack_into("<Q", content, SECTIONS_OFFSET, 0)
    struct.pack_into("<HH", content, SECTIONS_COUNT, 0, 0)
    library.write_bytes(content[:end])


def slim(packages: Path) -> None:
    """Slim a folder of installed packages."""
    for file in [file for file in packages.rglob("*") if file.is_file()]:
        if file.suffix in SOURCES:
            file.unlink()
        elif ".so" in file.suffixes:
            strip(file)
    for locale in (packages / "babel/locale-data").iterdir():
        if locale.stem.partition("_")[0] not in (*LANGUAGES, "root"):
            locale.unlink()
    for lexer in [*(packages / "pygments/lexers").glob("*.py*"), *(packages / "pygments/lexers").glob("*/*.pyc")]:
        if lexer.name.partition(".")[0] not in LEXERS:
            lexer.unlink()
    for unread in UNREAD:
        (shutil.rmtree if (packages / unread).is_dir() else os.remove)(packages / unread)


slim(Path(sys.argv[1]))

"""Removes from the installed packages what no process reads: sources of extensions, symbols, services of AWS."""

import shutil
import struct
import sys
from pathlib import Path

SOURCES = {".c", ".cc", ".cpp", ".h", ".hpp", ".pxd", ".pyx"}
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
    for service in (packages / "botocore/data").iterdir():  # requests to SES are signed, and sent without a client
        if service.is_dir():
            shutil.rmtree(service)


slim(Path(sys.argv[1]))

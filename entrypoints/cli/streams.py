"""The standard streams, which a shell may have closed and a full disk may refuse."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import NoReturn


def open_closed_streams() -> None:
    """Open standard streams that the shell closed (`>&-`) on the null device; libraries and children use them."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))


def write_utf8() -> None:
    """Write UTF-8 whatever the locale says, as all files are read; escape what no encoding has."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


@contextmanager
def faults_of_files() -> Iterator[None]:
    """End the process with one sentence if a file, or standard output, cannot be read or written."""
    try:
        yield
    except OSError as error:
        end(error)
    finally:
        try:
            sys.stdout.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes again at its end
            end(error)


def end(error: OSError) -> NoReturn:
    """End the process with a sentence about the file that an error names."""
    sys.stderr.write(f"file-error: {error.filename or 'standard output'}: {error.strerror or error}\n")
    raise SystemExit(1)

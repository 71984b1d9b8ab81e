"""A desk whose terminal is a string."""

from io import StringIO
from typing import Any

from rich.console import Console

from entrypoints.cli.desk import Desk


def a_desk(open_office: Any = None) -> Desk:
    return Desk(open_office, *(Console(file=StringIO(), width=200) for _ in range(2)))


def said(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()

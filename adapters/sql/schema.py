"""Loads the tables of every context into the metadata, for migrations and tools."""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

import adapters.sql
from adapters.sql.engine.tables import metadata

__all__ = ["metadata"]

for context in iter_modules(adapters.sql.__path__, "adapters.sql."):
    if context.ispkg and find_spec(f"{context.name}.tables"):
        import_module(f"{context.name}.tables")

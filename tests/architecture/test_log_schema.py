"""Every field of a log line has a name and a type: those of the Elastic Common Schema where it has one."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adapters.telemetry.ecs import CONVERSIONS, COUNTS, ECS_VERSION, FIELDS, STANDARD_NAMES

ROOT = Path(__file__).parents[2]
PUBLISHED = json.loads(Path(__file__).with_name("ecs_fields.json").read_text())
TEMPLATE = json.loads((ROOT / "deploy/elk/index-template.json").read_text())
PACKAGES = ("adapters", "config", "core", "entrypoints")
METHODS = {"debug", "info", "warning", "error", "critical", "write"}
ERRORS = {"error", "exc_info"}
"""The words whose fields depend on the value."""
BY_INGEST = {"event.ingested": "date"}


def words(tree: ast.Module) -> Iterator[str]:
    """Yield the keyword of each fact of each log call."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.keywords):
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        target = ast.unparse(call.func)
        if called in METHODS and (target.startswith(("log.", "self._log.")) or target == "write"):
            yield from (each.arg for each in call.keywords if each.arg)


def leaves(properties: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the fields of a mapping with their types."""
    for name, mapped in properties.items():
        if inner := mapped.get("properties"):
            yield from leaves(inner, f"{path}{name}.")
        elif mapped["type"] != "object":
            yield f"{path}{name}", mapped["type"]


def test_every_fact_of_a_log_call_has_a_field() -> None:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    logged = {word for file in files for word in words(ast.parse(file.read_text(encoding="utf-8")))}

    assert len(logged) > 20
    own = {word for word in logged - ERRORS - {"ms"} - STANDARD_NAMES.keys() if f"bursar.{word}" not in FIELDS}
    assert own == {"connections"}  # a count


def test_a_planted_word_is_found() -> None:
    assert [*words(ast.parse("log.info('x', height=1)"))] == ["height"]


def test_the_names_and_types_of_fields_are_the_published_ones() -> None:
    standard = {name: kind for name, kind in FIELDS.items() if not name.startswith("bursar.")}

    assert PUBLISHED["ecs_version"] == ECS_VERSION
    assert {**standard, **BY_INGEST} == PUBLISHED["fields"]
    assert set(FIELDS.values()) <= CONVERSIONS.keys() | {"date"}


def test_the_index_template_maps_each_field_as_the_schema_says() -> None:
    mappings = TEMPLATE["template"]["mappings"]

    assert dict(leaves(mappings["properties"])) == {**FIELDS, **BY_INGEST}
    assert mappings["dynamic_templates"] == [{"counts": {"path_match": f"{COUNTS}*", "mapping": {"type": "long"}}}]
    assert mappings["_meta"]["ecs_version"] == ECS_VERSION


def test_the_pipeline_adds_only_published_fields() -> None:
    pipeline = json.loads((ROOT / "deploy/elk/ingest-pipeline.json").read_text())
    steps = [*pipeline["processors"], *pipeline["on_failure"]]

    assert {step["set"]["field"] for step in steps if "set" in step} <= FIELDS.keys() | BY_INGEST.keys()
    assert TEMPLATE["template"]["settings"]["index"]["default_pipeline"] == "bursar"

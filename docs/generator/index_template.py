"""The index template of Elasticsearch for log lines."""

import json
from typing import Any

from adapters.telemetry.ecs import COUNTS, ECS_VERSION, FIELDS

ADDED_BY_THE_PIPELINE = {"event.ingested": "date"}
MAX_KEYWORD_LENGTH = 1_024
"""A longer keyword is stored, and not found by a query."""


def index_template() -> str:
    """Return the template of deploy/elk: fields outside of the schema are stored, and not mapped."""
    properties: dict[str, Any] = {}
    for name, kind in sorted({**FIELDS, **ADDED_BY_THE_PIPELINE}.items()):
        *path, last = name.split(".")
        level = properties
        for part in path:
            level = level.setdefault(part, {}).setdefault("properties", {})
        level[last] = {"type": kind} | ({"ignore_above": MAX_KEYWORD_LENGTH} if kind == "keyword" else {})
    properties["bursar"]["properties"]["counts"] = {"type": "object", "dynamic": True}
    mappings = {
        "_meta": {"ecs_version": ECS_VERSION},
        "dynamic": False,
        "date_detection": False,
        "dynamic_templates": [{"counts": {"path_match": f"{COUNTS}*", "mapping": {"type": "long"}}}],
        "properties": properties,
    }
    settings = {"index": {"default_pipeline": "bursar", "codec": "best_compression"}}
    template = {"settings": settings, "mappings": mappings}
    document = {"index_patterns": ["logs-bursar-*"], "data_stream": {}, "priority": 200, "template": template}
    return json.dumps(document, indent=2) + "\n"

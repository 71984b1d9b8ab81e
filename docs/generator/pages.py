"""The pages with generated parts: a part stands between `<!-- generated NAME -->` and `<!-- /generated -->`.

The schema of GraphQL and the index template for logs are generated whole.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from docs.generator import (
    command_line,
    graphql_schema,
    http_api,
    index_template,
    jobs,
    messages,
    metrics,
    permissions,
    schedules,
    settings,
    sizing,
)

DOCS_DIRECTORY = Path(__file__).parents[1]
GRAPHQL_SCHEMA = DOCS_DIRECTORY / "reference/schema.graphql"
INDEX_TEMPLATE = DOCS_DIRECTORY.parent / "deploy/elk/index-template.json"
GENERATED_PART = re.compile(r"(<!-- generated ([\w-]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)
PARTS: Mapping[str, Callable[[], str]] = {
    "settings": settings.sections,
    "command-line": command_line.commands,
    "endpoints": http_api.endpoints,
    "problems": http_api.problem_types,
    "topics": messages.topics,
    "commands": messages.commands,
    "events": messages.events,
    "message-types": messages.nested_types,
    "roles": permissions.roles,
    "role-operations": permissions.operations,
    "needed-permissions": permissions.needed_permissions,
    "jobs": jobs.jobs,
    "metrics": metrics.metrics,
    "metric-labels": metrics.labels,
    "service-times": sizing.service_times,
    "offices": sizing.offices,
    "schedule": schedules.document,
    "rule-kinds": schedules.rule_kinds,
    "currencies": schedules.currency_exponents,
}


def generated_pages() -> Iterator[tuple[Path, str]]:
    """Return each file that is generated or has generated parts, and its text with these parts made anew."""
    for page in sorted(DOCS_DIRECTORY.rglob("*.md")):
        text, count = GENERATED_PART.subn(_regenerated, page.read_text(encoding="utf-8"))
        if count:
            yield page, text
    yield GRAPHQL_SCHEMA, graphql_schema.graphql_schema()
    yield INDEX_TEMPLATE, index_template.index_template()


def _regenerated(part: re.Match[str]) -> str:
    begin, name, end = part.groups()
    return f"{begin}\n{PARTS[name]().strip()}\n\n{end}"

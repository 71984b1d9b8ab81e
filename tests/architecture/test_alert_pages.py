"""Every alert has a page, every page an alert, and every query names metrics that exist."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generator.metrics import series

ROOT = Path(__file__).parents[2]
RULES = (ROOT / "deploy/prometheus/alerts.yml").read_text()
RULE_TESTS = (ROOT / "deploy/prometheus/alerts_test.yml").read_text()
ALERTS = dict(re.findall(r"- alert: (\w+)\n.*?runbook_url: https://\S+/alerts/([a-z-]+)\.html", RULES, re.DOTALL))
PAGES = {page.stem: page.read_text() for page in (ROOT / "docs/alerts").glob("*.md")}
SECTIONS = ["What users feel", "First look", "Remedy", "When to escalate"]


def queries() -> Iterator[tuple[str, str]]:
    for rule in RULES.split("- alert: ")[1:]:
        yield rule.partition("\n")[0], rule.partition("labels:")[0]
    for board in (ROOT / "deploy/grafana").glob("*.json"):
        for panel in json.loads(board.read_text())["panels"]:
            yield from ((f"{board.stem}: {panel['title']}", each["expr"]) for each in panel["targets"])


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    assert len(ALERTS) == RULES.count("- alert: ") > 10
    assert {page: text.partition("\n")[0] for page, text in PAGES.items()} == {
        page: f"# {alert}" for alert, page in ALERTS.items()
    }


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_says_what_users_feel_and_what_to_do(page: str) -> None:
    assert re.findall(r"^## (.+)$", PAGES[page], re.MULTILINE) == SECTIONS
    assert len(PAGES[page].split()) < 300


def test_every_alert_has_a_test_and_its_place_in_the_runbook() -> None:
    runbook = (ROOT / "docs/runbook.md").read_text()

    assert re.findall(r"- name: (\w+)", RULE_TESTS) == list(ALERTS)
    assert [alert for alert, page in ALERTS.items() if f"[{alert}](alerts/{page}.md)" not in runbook] == []


def test_every_metric_of_a_query_exists() -> None:
    known, found = series(), [*queries()]
    pages = list(PAGES.items())
    named = {(where, name) for where, query in found + pages for name in re.findall(r"\bbursar_\w+", query)}

    assert len(named) > 50
    assert {each for each in named if each[1] not in known} == set()

"""Functions and tests that pages name exist; the walkthrough counts its lines."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.documentation import PAGES, ROOT_DIRECTORY

PAGE = ROOT_DIRECTORY / "docs" / "walkthrough.md"
STEP = re.compile(
    r"^\| (?P<again>↩ )?(?:\[(?P<name>[^\]]+)\]\((?P<path>[^)]+)\)|(?P<known>\S+)) \| (?P<look_at>.+?) \|"
)
COUNTS = re.compile(r"^\| \[.+?\]\(#.+?\) \| (\d+) \| (\d+) \|", re.MULTILINE)


class Step(NamedTuple):
    """A line of a walk."""

    name: str
    path: str
    """Empty where the line returns to a file."""
    look_at: list[str]


def walks() -> list[list[Step]]:
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    return [steps for section in sections if len(steps := list(steps_of(section))) > 1]


def steps_of(section: str) -> Iterator[Step]:
    for line in section.splitlines():
        found = STEP.match(line)
        if found and (found["path"] or found["again"]):
            yield Step(
                found["name"] or found["known"], found["path"] or "", re.findall(r"`([\w.]+)`", found["look_at"])
            )


def is_defined(name: str, source: str) -> bool:
    """Tell whether a module defines each part of `Class.method`, `function` or `CONSTANT`."""
    parts = name.split(".")
    return all(re.search(rf"^\s*((async )?def|class) {part}\b|^{part}\b", source, re.MULTILINE) for part in parts)


def test_every_function_of_a_walk_is_in_its_file() -> None:
    for walk in walks():
        paths = {step.name: step.path for step in walk if step.path}
        for step in walk:
            source = (PAGE.parent / paths[step.name]).read_text()
            assert [name for name in step.look_at if not is_defined(name, source)] == [], paths[step.name]


@pytest.mark.parametrize("name", ["Relay.vanished", "vanished", "GONE"])
def test_a_function_that_is_not_there_is_found(name: str) -> None:
    assert not is_defined(name, "class Relay:\n    def run(self): ...\n")


def test_the_counts_of_the_walks_are_right() -> None:
    counted = [
        (len({step.path for step in walk if step.path}), sum(not step.path for step in walk)) for walk in walks()
    ]

    assert counted == [(int(files), int(again)) for files, again in COUNTS.findall(PAGE.read_text())]


def test_every_test_that_a_page_names_exists() -> None:
    sources = [path.read_text() for path in (ROOT_DIRECTORY / "tests").rglob("test_*.py")]
    defined = {name for source in sources for name in re.findall(r"def (test_\w+)", source)}
    named = {name for page in PAGES for name in re.findall(r"`(test_\w+)`", page.read_text())}

    assert named
    assert named - defined == set()

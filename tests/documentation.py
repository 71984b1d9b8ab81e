"""The pages of the documentation, and the examples in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT_DIRECTORY = Path(__file__).parents[1]
PAGES = sorted([*ROOT_DIRECTORY.glob("*.md"), *ROOT_DIRECTORY.glob("docs/**/*.md")])
EXAMPLE = re.compile(
    r"^(?P<indent> *)```(?P<language>sh|python) example\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Example:
    """A fenced block whose language is followed by the word `example`."""

    language: str
    text: str
    line: int


def examples(markdown: str) -> Iterator[Example]:
    """Return the examples of a page, in their order."""
    for found in EXAMPLE.finditer(markdown):
        indent = found["indent"]
        text = "".join(line.removeprefix(indent) for line in found["text"].splitlines(keepends=True))
        yield Example(found["language"], text, markdown.count("\n", 0, found.start()) + 1)


def name_of(page: Path) -> str:
    """Return the path of a page in the repository."""
    return str(page.relative_to(ROOT_DIRECTORY))

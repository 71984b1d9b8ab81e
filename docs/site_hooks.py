"""What the site needs besides the pages: the navigation, and files outside of `docs/` that pages link to."""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

DOCS_DIRECTORY = Path(__file__).parent
ROOT_DIRECTORY = DOCS_DIRECTORY.parent
SECTIONS = {
    "Start": ("index.md", "tutorial.md", "walkthrough.md"),
    "How to": ("how-to/*.md",),
    "Explanation": ("guarantees.md", "identity.md", "inventory.md", "decisions/*.md", "glossary.md"),
    "Operation": ("runbook.md", "alerts/*.md", "failures/*.md", "chaos.md", "performance.md"),
    "Reference": ("reference/*.md",),
}
LINK = re.compile(r"(!?\[[^\]]*\])\(([^)\s#:]+)(#[^)\s]*)?\)")
EXAMPLE_FENCE = re.compile(r"^```(\w+) example$", re.MULTILINE)
IMAGE_SUFFIXES = {".svg", ".png"}


def on_config(config: Any) -> Any:
    """Make the navigation of the pages that exist; an omitted page is an error of the strict build."""
    config.nav = [
        {title: [str(page.relative_to(DOCS_DIRECTORY)) for each in patterns for page in _pages(each)]}
        for title, patterns in SECTIONS.items()
        if any(_pages(each) for each in patterns)
    ]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add each file outside of `docs/` that a page links to: images as they are, source as text."""
    for page in list(files.documentation_pages()):
        for _, target, _ in LINK.findall(page.content_string):
            path = _outside(page.src_uri, target)
            if path and (ROOT_DIRECTORY / path).is_file() and files.get_file_from_path(_site_name(path)) is None:
                files.append(File.generated(config, _site_name(path), abs_src_path=str(ROOT_DIRECTORY / path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Point links that leave `docs/` to the added files; a folder is not part of the site and becomes text."""

    def rewrite(link: re.Match[str]) -> str:
        text, target, _ = link.groups()
        path = _outside(page.file.src_uri, target)
        if path is None or not (ROOT_DIRECTORY / path).exists():
            return link[0]
        if (ROOT_DIRECTORY / path).is_dir():
            return f"{text[1:-1]} (`{path}`)"
        return f"{text}({posixpath.relpath(_site_name(path), posixpath.dirname(page.file.src_uri) or '.')})"

    return EXAMPLE_FENCE.sub(r"```\1", LINK.sub(rewrite, markdown))


def _pages(pattern: str) -> list[Path]:
    return sorted(DOCS_DIRECTORY.glob(pattern))


def _outside(page: str, target: str) -> str | None:
    """Return the path of a link's target in the repository where it is outside of `docs/`."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), target))
    return None if path.startswith(("docs/", "..")) else path


def _site_name(path: str) -> str:
    return f"source/{path}" if Path(path).suffix in IMAGE_SUFFIXES else f"source/{path}.txt"

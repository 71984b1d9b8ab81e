"""The pages of the documentation: generated parts are current, links lead somewhere, the README stays short."""

import re
from pathlib import Path

import msgspec

from config.sections.section import Section
from config.settings import Settings
from docs.generator.command_line import command_paths
from docs.generator.pages import generated_pages
from tests.documentation import PAGES, ROOT_DIRECTORY, name_of

PAGES_OF_TODAY = [page for page in PAGES if page.name not in ("CHANGELOG.md", "wire-names.md")]
"""The pages but those that list former names, and names of topics that look like settings."""

JUSTFILE = ROOT_DIRECTORY / "justfile"
MAX_README_BYTES = 7 * 1024
FENCED_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)[^)]*\)")


def targets(page: Path) -> list[str]:
    """Return the relative targets of a page's links."""
    text = INLINE_CODE.sub("", FENCED_BLOCK.sub("", page.read_text()))
    return [target for target in LINK.findall(text) if not re.match(r"[a-z]+:", target)]


def test_a_link_leads_to_a_file() -> None:
    paths = {(page, target.partition("#")[0]) for page in PAGES for target in targets(page)}
    wrong = [(page, path) for page, path in paths if path.startswith("/") or not (page.parent / path).exists()]

    assert [(name_of(page), path) for page, path in sorted(wrong)] == []


def test_links_are_found_and_examples_of_links_are_not(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[a](a.md) ![`b`](b.svg#c) [site](https://example.org)\n`[d](d.md)`\n```text\n[e](e.md)\n```\n")

    assert targets(page) == ["a.md", "b.svg#c"]


def test_the_generated_parts_are_current() -> None:
    stale = [page for page, text in generated_pages() if page.read_text() != text]

    assert [name_of(page) for page in stale] == [], "run `just docs-reference` and commit the pages"


def test_a_setting_that_a_page_names_exists() -> None:
    """A page names a setting as `section.key`."""
    sections = {
        field.name: set(field.type.__struct_fields__)
        for field in msgspec.structs.fields(Settings)
        if isinstance(field.type, type) and issubclass(field.type, Section)
    }
    for page in PAGES_OF_TODAY:
        named = re.findall(rf"`({'|'.join(sections)})\.(\w+)[` ]", page.read_text())
        assert [f"{section}.{key}" for section, key in named if key not in sections[section]] == [], name_of(page)


def test_a_command_that_a_page_names_exists() -> None:
    """A page names a command in code: `bursar dead-letters list`, `just test`."""
    commands, recipes = command_paths(), set(re.findall(r"^([\w-]+)[^:=\n]*:(?!=)", JUSTFILE.read_text(), re.MULTILINE))
    groups = {path.split()[1] for path in commands if path.count(" ") == 2}
    for page in PAGES_OF_TODAY:
        text = page.read_text()
        named = re.findall(r"(?:`|^ *(?:uv run )?)bursar ([a-z-]+)(?: ([a-z-]+))?", text, re.MULTILINE)

        wrong = [one for one, _ in named if f"bursar {one}" not in commands]
        wrong += [
            f"{one} {two}" for one, two in named if one in groups and f"bursar {one} {two}" not in commands and two
        ]
        wrong += [recipe for recipe in re.findall(r"`just ([a-z0-9-]+)", text) if recipe not in recipes]
        assert wrong == [], name_of(page)


def test_the_readme_is_short() -> None:
    assert len((ROOT_DIRECTORY / "README.md").read_bytes()) <= MAX_README_BYTES

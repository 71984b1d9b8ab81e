"""Rewrite the generated parts of every page below `docs/`, and the index template: `python -m docs.generator`."""

from docs.generator.pages import generated_pages


def main() -> None:
    """Write each page whose generated parts are out of date."""
    for page, text in generated_pages():
        if page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Renders messages from Jinja templates, one folder for each language."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, select_autoescape

from adapters.jinja.formats import LANGUAGE, amount, moment
from core.kernel.errors import Invalid
from core.notifications.errors import Unwordable
from core.notifications.messages import EmailContent
from core.notifications.ports import Templates

FOLDER = Path(__file__).parent / "templates"
FALLBACK = "en"
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class JinjaTemplates(Templates):
    """Renders `<language>/<template>.<part>.j2`."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= {"amount": amount, "moment": moment}

    def email(self, template: str, language: str, facts: Mapping[str, Any]) -> EmailContent:
        return EmailContent(
            subject=one_line(self._render(template, "subject", language, facts)),
            text=self._render(template, "txt", language, facts),
            html=self._render(template, "html", language, facts),
        )

    def sms(self, template: str, language: str, facts: Mapping[str, Any]) -> str:
        return one_line(self._render(template, "sms", language, facts))

    def _render(self, template: str, part: str, language: str, facts: Mapping[str, Any]) -> str:
        # A regional language ("hi-IN") falls back to its base.  The loader refuses names outside its folder.
        languages = (language, language.partition("-")[0], FALLBACK)
        names = [f"{each}/{template}.{part}.j2" for each in languages]
        try:
            selected = self._environment.select_template(names)
            return selected.render({**facts, LANGUAGE: str(selected.name).partition("/")[0]})
        except (TemplateError, Invalid, LookupError, TypeError, ValueError) as error:  # the latter by a malformed fact
            raise Unwordable(f"{template}.{part} in {language}: {error}") from error


def one_line(words: str) -> str:
    """Replace line breaks and control characters by single spaces."""
    return " ".join(CONTROL.sub(" ", words).split())

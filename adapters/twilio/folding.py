"""Compares texts regardless of what Twilio may change in them.

Its smart encoding replaces quotes, dashes, spaces, full-width and small capital letters and more
(https://www.twilio.com/docs/messaging/services/smart-encoding-char-list), a trial account puts a sentence in front, and
spaces at the ends are cut.
"""

import re
import unicodedata
from functools import cache

TRIAL_SENTENCE = re.compile(r"\s*Sent from your (Twilio )?trial account\s*-")
SMALL_CAPITAL_NAME = re.compile(r"LATIN LETTER SMALL CAPITAL ([A-Z])")
CLICK_LETTER = "\u01c3"
"""A letter that looks like an exclamation mark and is replaced by one."""


def folded(text: str) -> str:
    """Return the letters, digits and vowel signs of a text, which Twilio leaves or replaces by compatible ones."""
    said = TRIAL_SENTENCE.sub("", text, count=1) if TRIAL_SENTENCE.match(text) else text
    return "".join(map(fold_character, unicodedata.normalize("NFKD", said)))


@cache
def fold_character(character: str) -> str:
    """Return a letter, digit or vowel sign in lower case, and nothing for any other character."""
    kind, name = unicodedata.category(character), unicodedata.name(character, "")
    if small_capital := SMALL_CAPITAL_NAME.fullmatch(name):
        return small_capital[1].lower()
    kept = kind[0] in "LMN" and kind != "Lm" and not name.startswith("COMBINING ") and character != CLICK_LETTER
    return character.casefold() if kept else ""

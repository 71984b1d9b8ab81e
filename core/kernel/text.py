"""Text for people: what is printable, the normal form of names, and the only encoding of files."""

import re
import unicodedata
from collections.abc import Iterator

from core.kernel.errors import Invalid

SPACES = re.compile(r"[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
INVISIBLE_LETTERS_AND_MARKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
VARIATION_SELECTORS = (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
INVISIBLE = INVISIBLE_LETTERS_AND_MARKS | {chr(code) for code in VARIATION_SELECTORS}
"""Characters without a glyph that have the category of a letter, a mark or a symbol."""
UNPRINTABLE_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
JOINERS = "\u200c\u200d"
"""ZWNJ and ZWJ: they change the shape of the letters beside them."""
JOINABLE = re.compile(r"[\u0600-\u06ff\u0900-\u0dff]")
"""The scripts whose spelling needs joiners: Arabic, and the Indic ones from Devanagari to Sinhala."""
ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})*|\+\d(?:[ ()-]?\d){6,14}")
"""A mailbox or a telephone number with its country code."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def normal_form(text: str) -> str:
    """Return a text in NFC, with one plain space between words and none around them."""
    if text.isascii() and "  " not in text:
        return text.strip(" ")
    return SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip(" ")


def unprintable_positions(text: str) -> Iterator[int]:
    """Yield the positions of control, invisible and direction-changing characters; joiners inside words are none."""
    if text.isascii() and text.isprintable():
        return
    for position, letter in enumerate(text):
        if letter in JOINERS:
            if position == 0 or not JOINABLE.match(text[position - 1]):
                yield position
        elif letter in INVISIBLE or unicodedata.category(letter) in UNPRINTABLE_CATEGORIES:
            yield position


def line_fault(text: str, longest: int) -> str | None:
    """Return what is wrong with a line for people, as the end of a sentence about it; None if nothing is."""
    if not text.strip() and not SPACES.sub("", text):
        return "is empty"
    if len(text) > longest:
        return f"is longer than {longest} characters"
    if text.isascii() and text.isprintable():
        return None
    position = next(unprintable_positions(text), None)
    if position is None:
        return None
    return f"has U+{ord(text[position]):04X} at character {position + 1}, which is not printable"


def escape_unprintable(text: str) -> str:
    """Return a text in which what is not printable is escaped, so that a terminal does not obey it."""
    bad = set(unprintable_positions(text))
    letters = (letter.encode("unicode_escape").decode() if at in bad else letter for at, letter in enumerate(text))
    return "".join(letters) if bad else text


def decode_utf8(content: bytes, source: str) -> str:
    """Decode a file, with or without a byte order mark; raise `Invalid` that names the line, the byte and a remedy."""
    content = content.removeprefix(BYTE_ORDER_MARK)
    if is_utf16(content):
        raise Invalid(f"{source} {encoding_fault(content, 0)}")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"{source} {encoding_fault(content, error.start)}") from error


def is_utf16(content: bytes) -> bool:
    """Tell whether a file begins as Windows writes UTF-16: with its byte order mark, or with an ASCII letter."""
    return content[:1] in (b"\xff", b"\xfe") or b"\x00" in content[:2]


def encoding_fault(content: bytes, position: int, *, bytes_before: int = 0, lines_before: int = 0) -> str:
    """Return what is wrong with the byte at a position of a part of a file, as the end of a sentence about the file."""
    if position == bytes_before == 0 and is_utf16(content):
        return "is UTF-16, which Excel calls Unicode Text, and not UTF-8: save it as UTF-8, in Excel as CSV UTF-8"
    line = lines_before + content.count(b"\n", 0, position) + 1
    byte = f"byte {bytes_before + position + 1}, 0x{content[position : position + 1].hex()} in line {line}"
    return f"is not UTF-8 text ({byte}): save it as UTF-8, in Excel as CSV UTF-8"


def without_addresses(text: str) -> str:
    """Return a text without mailboxes and telephone numbers, for what more people read than may know them."""
    return ADDRESS.sub("(address)", text) if "@" in text or "+" in text else text

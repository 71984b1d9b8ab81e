"""The mailbox that messages come from."""

import re
from email.headerregistry import AddressHeader
from email.policy import default
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.kernel.errors import Invalid
from core.notifications.mailbox import Mailbox

TAKEN = {
    "fees@example.org": ("", "fees@example.org", "fees@example.org"),
    "<fees@example.org>": ("", "fees@example.org", "fees@example.org"),
    "Fee Office <fees@example.org>": ("Fee Office", "fees@example.org", "Fee Office <fees@example.org>"),
    "Fee Office, Pune <fees@example.org>": (
        "Fee Office, Pune",
        "fees@example.org",
        '"Fee Office, Pune" <fees@example.org>',
    ),
    '"Fee Office, Pune" <fees@example.org>': (
        "Fee Office, Pune",
        "fees@example.org",
        '"Fee Office, Pune" <fees@example.org>',
    ),
    "Fee Office (Pune) <a@x.org>": ("Fee Office (Pune)", "a@x.org", '"Fee Office (Pune)" <a@x.org>'),
    '"The \\"best\\" office" <a@x.org>': ('The "best" office', "a@x.org", '"The \\"best\\" office" <a@x.org>'),
    "शुल्क <a@x.org>": ("शुल्क", "a@x.org", "=?utf-8?b?4KS24KWB4KSy4KWN4KSV?= <a@x.org>"),
}


@pytest.mark.parametrize(("text", "parts"), TAKEN.items())
def test_a_sender_is_read_with_its_name(text: str, parts: tuple[str, str, str]) -> None:
    mailbox = Mailbox.parse(text)

    assert (mailbox.name, mailbox.address, str(mailbox)) == parts


REFUSED = {
    "": "no mailbox",
    "<>": "no mailbox",
    "Fee Office <>": "no mailbox",
    "nowhere": "no mailbox",
    "Fee Office <nowhere>": "no mailbox",
    "Fee Office <fees@example.org": "no mailbox",
    "Fee Office <fees@example.org> x": "no mailbox",
    'Fee "Office <fees@example.org>': "no mailbox",
    "Fees: fees@example.org;": "no mailbox",
    " .": "no mailbox",
    ":;": "no mailbox",
    "=?utf-8?q?=0D=0ABcc:_x@y.org?= <a@x.org>": "no mailbox",
    "a@x.org, b@x.org": "more than one",
    "A <a@x.org>, B <b@x.org>": "more than one",
    "fees@example.org (Fee Office)": "comment",
    "Fee\r\nBcc: x@y.org <a@x.org>": "U+000D",
    "Fee\u202eOffice <a@x.org>": "U+202E",
    "Fee\u2800Office <a@x.org>": "U+2800",
    "Fee\u200dOffice <a@x.org>": "U+200D",
    "Fee Office <a@localhost>": "without a dot",
    'Fee Office <"a b"@x.org>': "in front of the @",
    "Büro <büro@exämple.org>": "'ü' (U+00FC) in front of the @",
    "Fee Office <mailto:a@x.org>": "':' (U+003A) in front of the @",
    "Fee Office <a@x..org>": "a domain with a part that is empty",
    f"{'x' * 121} <a@x.org>": "120",
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_what_is_not_one_mailbox_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(Invalid, match=re.escape(reason)):
        Mailbox.parse(text)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(st.text(alphabet=st.sampled_from("ab1 .@<>,;:\"()[]\\=?-_'éक\u200d\r\n"), max_size=20))
def test_every_text_is_refused_or_comes_back_from_its_header(text: str) -> None:
    for written in (text, f"{text} <a@x.org>", f"Fees <{text}>"):
        try:
            mailbox = Mailbox.parse(written)
        except Invalid:
            continue
        header = cast(AddressHeader, default.header_factory("From", str(mailbox)))
        assert [(each.display_name, each.addr_spec) for each in header.addresses] == [(mailbox.name, mailbox.address)]
        assert str(mailbox).isascii()

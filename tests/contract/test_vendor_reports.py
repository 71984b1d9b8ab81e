"""The contract of `VendorReports`, for every adapter."""

import hmac
from base64 import b64encode
from hashlib import sha1
from typing import Any
from uuid import UUID

import pytest

from adapters.twilio.status_reports import TwilioReports
from config.container import Application
from config.settings import Http, Misconfigured, Secret, Settings, Twilio
from config.settings_file import load
from core.kernel.errors import Invalid
from core.notifications.errors import ForgedReport
from core.notifications.messages import DeliveryId
from core.notifications.ports import VendorReports
from core.notifications.status_reports import DeliveryStatus

DELIVERY, OTHER = DeliveryId(UUID(int=7)), DeliveryId(UUID(int=8))
PUBLIC, TOKEN = "https://fees.example.org", "12345"
SID = "SM" + "a" * 32
FORM = [("MessageSid", SID), ("MessageStatus", "delivered"), ("To", "+919876543210"), ("ErrorCode", "")]


def reports(public_url: str = PUBLIC, token: str = TOKEN) -> VendorReports:
    application = Application(
        settings=Settings(http=Http(public_url=public_url), twilio=Twilio(auth_token=Secret(token)))
    )
    made: VendorReports = application.vendors.twilio_reports()
    return made


def url(delivery: DeliveryId = DELIVERY, public_url: str = PUBLIC) -> str:
    return f"{public_url}/v1/deliveries/{delivery}/reports/twilio"


def signature(form: list[tuple[str, str]], at: str = url(), token: str = TOKEN) -> str:
    """Sign as Twilio documents: the URL, then the fields sorted by name, without separators."""
    text = at + "".join(name + value for name, value in sorted(form))
    return b64encode(hmac.new(token.encode(), text.encode(), sha1).digest()).decode()


def test_the_signature_is_the_one_of_twilios_own_example() -> None:
    form = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+12349013030"),
        ("Digits", "1234"),
        ("From", "+12349013030"),
        ("To", "+18005551212"),
    ]
    assert signature(form, "https://mycompany.com/myapp.php?foo=1&bar=2") == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


@pytest.mark.parametrize("order", [1, -1])
def test_a_signed_report_is_accepted_with_its_fields_in_any_order(order: int) -> None:
    report = reports().read(DELIVERY, FORM[::order], signature(FORM))

    assert (report.vendor, report.id, report.learnt) == ("twilio", SID, DeliveryStatus.DELIVERED)


@pytest.mark.parametrize("form", [[*FORM, ("Später", "नया")], [*FORM, ("MediaUrl", "b"), ("MediaUrl", "a")]])
def test_fields_that_twilio_adds_some_day_do_no_harm(form: list[tuple[str, str]]) -> None:
    assert reports().read(DELIVERY, form, signature(form)).id == SID


FORGED: dict[str, dict[str, Any]] = {
    "no signature": {"signature": ""},
    "another": {"signature": signature(FORM, token="guess")},
    "of another delivery": {"signature": signature(FORM, url(OTHER))},
    "over another address": {"signature": signature(FORM, url(public_url="https://evil.example.org"))},
    "of another form": {"signature": signature([*FORM, ("MessageStatus", "failed")])},
    "not ASCII": {"signature": "ß" * 28},
    "without a padding": {"signature": signature(FORM).rstrip("=")},
    "a field more": {"form": [*FORM, ("X", "1")]},
    "a field less": {"form": FORM[:-2]},
    "a changed field": {"form": [("MessageSid", SID), ("MessageStatus", "failed"), *FORM[2:]]},
    "without a public URL": {"public_url": "", "signature": signature(FORM, "")},
    "without a public URL, over the path": {"public_url": "", "signature": signature(FORM, url(public_url=""))},
    "without a secret": {"token": "", "signature": signature(FORM, token="")},
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_a_forged_report_is_refused(change: dict[str, Any]) -> None:
    given = {"form": FORM, "signature": signature(FORM), "public_url": PUBLIC, "token": TOKEN} | change
    with pytest.raises(ForgedReport):
        reports(given["public_url"], given["token"]).read(DELIVERY, given["form"], given["signature"])


@pytest.mark.parametrize(
    "form",
    [
        [],
        [("MessageSid", SID)],
        [("MessageStatus", "sent")],
        [("MessageSid", SID), ("MessageStatus", "")],
        [("MessageSid", "SM1"), ("MessageStatus", "sent")],
        [("MessageSid", SID + "\n"), ("MessageStatus", "sent")],
        [("MessageSid", "SM" + "9" * 10_000), ("MessageStatus", "sent")],
    ],
    ids=str,
)
def test_a_signed_form_that_says_nothing_is_refused(form: list[tuple[str, str]]) -> None:
    with pytest.raises(Invalid):
        reports().read(DELIVERY, form, signature(form))


def test_an_address_with_a_path_or_a_slash_at_its_end_is_one_address() -> None:
    for public in ("https://example.org/fees", "https://example.org/fees/"):
        signed = signature(FORM, url(public_url="https://example.org/fees"))
        assert reports(public).read(DELIVERY, FORM, signed).id == SID


@pytest.mark.parametrize(
    "bad", ["fees.example.org", "ftp://x", "https://user:pass@x", "https://x?y=1", "https://a b", " "]
)
def test_an_address_that_is_none_is_a_misconfiguration(bad: str, tmp_path: Any) -> None:
    (tmp_path / "bursar.toml").write_text("")
    with pytest.raises(Misconfigured, match=r"\$\.http\.public_url"):
        load(tmp_path / "bursar.toml", {"BURSAR__HTTP__PUBLIC_URL": bad})


def test_the_adapter_is_the_one_of_the_switchboard() -> None:
    assert isinstance(reports(), TwilioReports)

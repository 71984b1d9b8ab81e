"""The contract of `VendorReports`, for every adapter."""

import hmac
from base64 import b64encode
from hashlib import sha1
from typing import Any
from uuid import UUID

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from adapters.twilio.status_reports import TwilioReports
from config.sections.http import Http
from config.sections.section import Misconfigured, Secret
from config.sections.vendors import Twilio
from config.settings import Settings
from config.settings_file import load
from core.kernel.errors import Invalid
from core.kernel.vendor_errors import ForgedReport
from core.notifications.messages import DeliveryId
from core.notifications.ports import VendorReports
from core.notifications.status_reports import DeliveryStatus
from tests.applications import an_application

DELIVERY, OTHER = DeliveryId(UUID(int=7)), DeliveryId(UUID(int=8))
PUBLIC, TOKEN = "https://fees.example.org", "12345"
SID = "SM" + "a" * 32
FORM = [("MessageSid", SID), ("MessageStatus", "delivered"), ("To", "+919876543210"), ("ErrorCode", "")]


def reports(public_url: str = PUBLIC, token: str = TOKEN, secondary: str = "") -> VendorReports:
    tokens = Twilio(auth_token=Secret(token), secondary_auth_token=Secret(secondary))
    application = an_application(Settings(http=Http(public_url=public_url), twilio=tokens))
    made: VendorReports = application.vendors.twilio_reports()
    return made


def url(delivery: DeliveryId = DELIVERY, public_url: str = PUBLIC) -> str:
    return f"{public_url}/v1/deliveries/{delivery}/reports/twilio"


def signature(form: list[tuple[str, str]], at: str = url(), token: str = TOKEN) -> str:
    """Sign as Twilio documents: the URL, then the fields sorted by name, without separators."""
    text = at + "".join(name + value for name, value in sorted(set(form)))
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


def test_while_tokens_are_rotated_both_are_valid() -> None:
    rotated = reports(token="new", secondary="old")
    for token in ("new", "old"):
        assert rotated.read(DELIVERY, FORM, signature(FORM, token=token)).id == SID
    for token in ("", "older"):
        with pytest.raises(ForgedReport):
            rotated.read(DELIVERY, FORM, signature(FORM, token=token))


HOSTS = st.sampled_from(["fees.example.org", "Fees.Example.org", "localhost", "10.0.0.1", "पुणे.example.org"])
PORTS = st.sampled_from(["", ":443", ":80", ":8443", ":65535", ":0443"])
PUBLIC_URLS = st.builds(
    lambda scheme, host, port, path: f"{scheme}://{host}{port}{path}",
    st.sampled_from(["http", "https"]), HOSTS, PORTS, st.sampled_from(["", "/", "/fees", "/a%20b;c=d"]),
)  # fmt: skip
FORMS = st.lists(st.tuples(st.sampled_from(["MessageSid", "To", "X"]), st.text(max_size=3)), max_size=5).map(
    lambda more: [("MessageSid", SID), ("MessageStatus", "sent"), *more]
)


class Form(dict[str, Any]):
    """A form with repeated fields, as web frameworks give it to Twilio's library."""

    def getall(self, name: str) -> list[str]:
        return [value for field, value in self["fields"] if field == name]

    def __iter__(self) -> Any:
        return iter(dict.fromkeys(field for field, _ in self["fields"]))


@hypothesis.settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(public=PUBLIC_URLS, signed_at=PUBLIC_URLS, form=FORMS, same=st.booleans())
def test_a_signature_is_valid_exactly_where_twilios_own_library_takes_it(
    public: str, signed_at: str, form: list[tuple[str, str]], same: bool
) -> None:
    address = public if same else signed_at
    validator, adapter = RequestValidator(TOKEN), TwilioReports(public_url=public, auth_tokens=[TOKEN])
    own = url(public_url=public.rstrip("/"))
    for at in (address, address.replace(":443", ""), address.replace("org/", "org:443/"), address.replace(":", "")):
        signed = signature(form, url(public_url=at.rstrip("/")))
        fields = Form(fields=form)
        try:
            taken = adapter.read(DELIVERY, form, signed)
        except ForgedReport:
            taken = None
        except Invalid:  # the signature is valid, and a later field with the same name is no SID
            taken = True
        assert (taken is not None) == validator.validate(own, fields, signed), (own, at)


@pytest.mark.parametrize("public", ["https://fees.example.org:443", "https://fees.example.org", "http://x.org:8080"])
@pytest.mark.parametrize("signed_without_port", [True, False])
def test_a_report_is_accepted_with_and_without_the_port(public: str, signed_without_port: bool) -> None:
    scheme, _, host = public.partition("://")
    name, _, port = host.partition(":")
    at = f"{scheme}://{name}" if signed_without_port else f"{scheme}://{name}:{port or 443}"

    assert reports(public).read(DELIVERY, FORM, signature(FORM, url(public_url=at))).id == SID


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

"""The probes of vendors: `bursar doctor` finds wrong credentials without sending anything."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.credentials import check_credentials, check_gateways
from config.sections.gateways import Stripe
from config.sections.http import Http
from config.sections.section import Misconfigured, Secret
from config.sections.vendors import Smtp
from config.settings import Adapters, Settings
from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from tests.applications import an_application
from tests.contract.senders import EMAIL, KINDS, SMS, SenderKind, running
from tests.contract.servers.http import HttpVendor
from tests.contract.servers.local_vendor import LocalVendor, VendorBehaviour
from tests.contract.servers.ses import fault

REMOTE = [pytest.param(kind, name, id=f"{kind.channel}-{name}") for kind in KINDS for name in kind.remote]
every_vendor = pytest.mark.parametrize(("kind", "name"), REMOTE)
CREDENTIALS = {
    "ses": ("access_key_id", "secret_access_key"),
    "smtp": ("user", "password"),
    "twilio": ("account_sid", "auth_token"),
}


def probe_of(name: str, server: LocalVendor, **changes: str) -> Probe:
    section = server.settings()[name]
    values = {
        key: Secret(value) if isinstance(getattr(section, key), Secret) else value for key, value in changes.items()
    }
    application = an_application(Settings(**{name: msgspec.structs.replace(section, **values)}))
    probe: Probe = application.vendors.vendor_probes(name)
    return probe


@every_vendor
async def test_valid_credentials_are_found_without_a_message(kind: SenderKind, name: str, tmp_path: Path) -> None:
    async with running(kind, name, tmp_path) as server:
        assert str(server.port) in await probe_of(name, server).check()  # type: ignore[attr-defined]
    assert not server.taken


@every_vendor
@pytest.mark.parametrize("value", ["wrong", ""])
@pytest.mark.parametrize("place", [0, 1], ids=["account", "secret"])
async def test_wrong_and_empty_credentials_are_found(
    kind: SenderKind, name: str, place: int, value: str, tmp_path: Path
) -> None:
    setting = CREDENTIALS[name][place]
    async with running(kind, name, tmp_path) as server:
        probe = probe_of(name, server, **{setting: value})
        with pytest.raises(Unavailable) as fault:
            await probe.check()
    assert setting in probe.remedy
    assert "a long password" not in str(fault.value)


@every_vendor
async def test_a_vendor_that_cannot_be_reached_is_no_success(kind: SenderKind, name: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await probe_of(name, kind.servers[name](tmp_path)).check()


async def test_a_mail_server_that_refuses_the_account_is_found(tmp_path: Path) -> None:
    async with running(EMAIL, "smtp", tmp_path) as server:
        server.behaviour = VendorBehaviour.DENY_US
        with pytest.raises(Unavailable, match="refuses the login: 535"):
            await probe_of("smtp", server).check()


@pytest.mark.parametrize(
    ("kind", "name", "account", "detail"),
    [
        (EMAIL, "ses", {"SendingEnabled": False}, "does not let the account send"),
        (SMS, "twilio", {"status": "suspended"}, "not active"),
    ],
)
async def test_an_account_that_may_not_send_is_found(
    kind: SenderKind, name: str, account: dict[str, Any], detail: str, tmp_path: Path
) -> None:
    async with running(kind, name, tmp_path) as server:
        assert isinstance(server, HttpVendor)
        server.account = account
        with pytest.raises(Unavailable, match=detail):
            await probe_of(name, server).check()


@pytest.mark.parametrize(
    ("kind", "name", "account", "detail"),
    [
        (EMAIL, "ses", {"SendingEnabled": True, "ProductionAccessEnabled": False}, "sandbox"),
        (SMS, "twilio", {"status": "active", "type": "Trial"}, "trial"),
    ],
)
async def test_an_account_for_tests_is_named(
    kind: SenderKind, name: str, account: dict[str, Any], detail: str, tmp_path: Path
) -> None:
    async with running(kind, name, tmp_path) as server:
        assert isinstance(server, HttpVendor)
        server.account = account
        assert detail in await probe_of(name, server).check()


async def test_a_key_that_may_only_send_is_valid(tmp_path: Path) -> None:
    async with running(EMAIL, "ses", tmp_path) as server:
        assert isinstance(server, HttpVendor)
        server.answer = fault(403, "AccessDeniedException", "not authorized to perform: ses:GetAccount")
        assert "ses:GetAccount" in await probe_of("ses", server).check()


@pytest.mark.parametrize(
    ("email", "sms", "named"),
    [("ses", "console", r"ses\.access_key_id, ses\.secret_access_key"), ("console", "twilio", r"twilio\.account_sid")],
)
def test_a_process_that_sends_does_not_start_without_credentials(email: Any, sms: Any, named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        check_credentials(Settings(adapters=Adapters(email=(email,), sms=(sms,))))


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("stripe", r"stripe\.secret_key, stripe\.webhook_secret"),
        ("razorpay", r"razorpay\.key_id, razorpay\.key_secret, razorpay\.webhook_secret"),
    ],
)
def test_a_process_that_collects_does_not_start_without_credentials(name: Any, named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        check_gateways(Settings(adapters=Adapters(payments=("sandbox", name))))
    check_gateways(Settings())


def test_stripe_needs_an_address_to_send_payers_back_to() -> None:
    by_stripe = {
        "adapters": Adapters(payments=("stripe",)),
        "stripe": Stripe(secret_key=Secret("sk_live_1"), webhook_secret=Secret("whsec_1")),
    }
    with pytest.raises(Misconfigured, match=r"http\.public_url"):
        check_gateways(Settings(**by_stripe))  # type: ignore[arg-type]
    check_gateways(Settings(**by_stripe, http=Http(public_url="https://fees.example.org")))  # type: ignore[arg-type]


def test_a_mail_server_may_need_no_login_but_no_half_of_one() -> None:
    by_smtp = Adapters(email=("smtp",))
    check_credentials(Settings(adapters=by_smtp))
    with pytest.raises(Misconfigured, match=r"smtp\.password"):
        check_credentials(Settings(adapters=by_smtp, smtp=Smtp(user="fees")))

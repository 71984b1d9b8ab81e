"""The credentials, secrets and keys that the chosen adapters need."""

from collections.abc import Iterator, Sequence

from config.sections.section import Misconfigured, Secret
from config.settings import Settings

REQUIRED_BY_VENDOR = {
    "ses": ("access_key_id", "secret_access_key"),
    "twilio": ("account_sid", "auth_token"),
    "stripe": ("secret_key", "webhook_secret"),
    "razorpay": ("key_id", "key_secret", "webhook_secret"),
}


def check_credentials(settings: Settings) -> None:
    """Raise `Misconfigured` if a vendor that is to send has no credentials, or the heads of the audit no secret."""
    adapters = settings.adapters
    require(settings, (*adapters.email, *adapters.sms), "adapters.email or adapters.sms")
    if settings.adapters.audit_anchors != "none" and not settings.audit.secret.reveal():
        raise Misconfigured(
            f"audit.secret: empty, but adapters.audit_anchors is {settings.adapters.audit_anchors}, and what is"
            " published there is signed with it; set it, as in BURSAR__AUDIT__SECRET, to at least 32 characters"
        )


def check_encryption(settings: Settings) -> None:
    """Raise `Misconfigured` if personal data would be stored without a key; an own file has a key beside it."""
    if settings.adapters.persistence == "mysql" and not settings.encryption.by_number():
        raise Misconfigured(
            "encryption.keys: empty, but the database stores e-mail addresses and telephone numbers;"
            " `bursar encryption create-key` prints a key, and BURSAR__ENCRYPTION__KEYS or"
            " BURSAR__ENCRYPTION__KEYS_FILE passes it on, the same to every process"
        )


def check_gateways(settings: Settings) -> None:
    """Raise `Misconfigured` if a payment gateway has no credentials, or no address to send payers back to."""
    require(settings, settings.adapters.payments, "adapters.payments")
    if "stripe" in settings.adapters.payments and not settings.http.public_url:
        raise Misconfigured(
            "http.public_url: empty, but adapters.payments names stripe, which sends payers back to it; set it, as in"
            " BURSAR__HTTP__PUBLIC_URL=https://fees.example.org"
        )


def require(settings: Settings, vendors: Sequence[str], named_by: str) -> None:
    """Raise `Misconfigured` if one of these vendors lacks a setting."""
    if missing := ", ".join(missing_credentials(settings, vendors)):
        raise Misconfigured(
            f"{missing}: empty, but {named_by} names this vendor; set it, as in"
            f" BURSAR__{missing.split(',')[0].replace('.', '__').upper()}, or name another vendor"
        )


def missing_credentials(settings: Settings, vendors: Sequence[str]) -> Iterator[str]:
    """Yield the settings of these vendors that are empty."""
    for vendor in vendors:
        section, required = getattr(settings, vendor, None), REQUIRED_BY_VENDOR.get(vendor, ())
        if vendor == "smtp" and (settings.smtp.user or settings.smtp.password.reveal()):
            required = ("user", "password")  # without both, the server takes messages by the address of the sender
        for name in required:
            value = getattr(section, name)
            if not (value.reveal() if isinstance(value, Secret) else value):
                yield f"{vendor}.{name}"

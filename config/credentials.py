"""The credentials, secrets and keys that the chosen adapters need."""

from collections.abc import Iterator

from config.sections.section import Misconfigured, Secret
from config.settings import Settings

REQUIRED_BY_VENDOR = {"ses": ("access_key_id", "secret_access_key"), "twilio": ("account_sid", "auth_token")}


def check_credentials(settings: Settings) -> None:
    """Raise `Misconfigured` if a vendor that is to send has no credentials, or the heads of the audit no secret."""
    if missing := ", ".join(missing_credentials(settings)):
        raise Misconfigured(
            f"{missing}: empty, but adapters.email or adapters.sms names this vendor; set it, as in"
            f" BURSAR__{missing.split(',')[0].replace('.', '__').upper()}, or name another vendor"
        )
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


def missing_credentials(settings: Settings) -> Iterator[str]:
    """Yield the settings of chosen vendors that are empty."""
    for vendor in (*settings.adapters.email, *settings.adapters.sms):
        section, required = getattr(settings, vendor, None), REQUIRED_BY_VENDOR.get(vendor, ())
        if vendor == "smtp" and (settings.smtp.user or settings.smtp.password.reveal()):
            required = ("user", "password")  # without both, the server takes messages by the address of the sender
        for name in required:
            value = getattr(section, name)
            if not (value.reveal() if isinstance(value, Secret) else value):
                yield f"{vendor}.{name}"

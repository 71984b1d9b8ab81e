"""The client of a mail server."""

from typing import Literal

from aiosmtplib import SMTP

Tls = Literal["starttls", "implicit", "none"]


def smtp_client(host: str, port: int, tls: Tls, ca_file: str, user: str, password: str, timeout: float) -> SMTP:
    """Return a client that encrypts and logs in when it connects; each command has `timeout` seconds."""
    return SMTP(
        hostname=host, port=port, timeout=timeout,
        use_tls=tls == "implicit", start_tls=tls == "starttls", cert_bundle=ca_file or None,
        username=user or None, password=password if user else None,
    )  # fmt: skip

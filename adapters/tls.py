"""Builds the TLS context of a client connection."""

import ssl
from pathlib import Path

from core.kernel.errors import Invalid


def client_context(tls: str, ca_file: str, certificate_file: str, key_file: str) -> ssl.SSLContext | None:
    """Return the context of a connection; None for `none`: the connection is plain text.

    `unverified` encrypts without checking the certificate of the server; `verified` checks it and the host name.
    `ca_file` is trusted in addition to the authorities of the system.  Raises `Invalid` for a file that cannot be used.
    """
    if tls == "none":
        return None
    context = ssl.create_default_context()
    if tls == "unverified":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        if ca_file:
            context.load_verify_locations(ca_file)
        if certificate_file:
            context.load_cert_chain(certificate_file, key_file or None, password=refuse_encrypted_key)
    except (OSError, ValueError) as error:  # missing, not PEM, or a key of another certificate
        files = ", ".join(name for name in (ca_file, certificate_file, key_file) if name)
        missing = [name for name in (ca_file, certificate_file, key_file) if name and not Path(name).is_file()]
        cause = f"{missing[0]} does not exist" if missing else f"{files}: {getattr(error, 'reason', None) or error}"
        raise Invalid(f"the TLS files of a connection cannot be used: {cause}; PEM files are needed") from error
    return context


def refuse_encrypted_key() -> str:
    """Refuse a key that needs a password; without this, OpenSSL asks for it on the terminal."""
    raise ValueError("the key is encrypted, and no password can be configured: store it decrypted")

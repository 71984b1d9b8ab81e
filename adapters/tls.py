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
        why = cause(error, ca_file, certificate_file, key_file)
        raise Invalid(f"the TLS files of a connection cannot be used: {why}; PEM files are needed") from error
    return context


def cause(error: OSError | ValueError, ca_file: str, certificate_file: str, key_file: str) -> str:
    """Return which file cannot be used, and why."""
    named = [name for name in (ca_file, certificate_file, key_file) if name]
    if no_files := [name for name in named if not Path(name).is_file()]:
        return f"{no_files[0]} {'is no file' if Path(no_files[0]).exists() else 'does not exist'}"
    reason = getattr(error, "reason", None)
    if isinstance(error, ssl.SSLError) and not reason and not key_file:
        return f"{certificate_file} needs a certificate and its key, or key_file names the key"
    return f"{', '.join(named)}: {reason or error}"


def refuse_encrypted_key() -> str:
    """Refuse a key that needs a password; without this, OpenSSL asks for it on the terminal."""
    raise ValueError("the key is encrypted, and no password can be configured: store it decrypted")

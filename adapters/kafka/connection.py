"""The arguments with which every Kafka client of the process connects."""

from typing import Any

from adapters.tls import client_context


def client_arguments(
    bootstrap: str, tls: str, ca_file: str, certificate_file: str, key_file: str,
    sasl: str, user: str, password: str, **_topics: object,
) -> dict[str, Any]:  # fmt: skip
    """Return arguments that producer, consumer and administration client of aiokafka share; raise `Invalid`."""
    context = client_context(tls, ca_file, certificate_file, key_file)
    transport = "SSL" if context else "PLAINTEXT"
    arguments: dict[str, Any] = {"bootstrap_servers": bootstrap, "security_protocol": transport, "ssl_context": context}
    if sasl == "none":
        return arguments
    return arguments | {
        "security_protocol": f"SASL_{transport}",
        "sasl_mechanism": sasl.upper(),
        "sasl_plain_username": user,
        "sasl_plain_password": password,
    }

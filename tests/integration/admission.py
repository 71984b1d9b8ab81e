"""Doors for applications under test."""

from datetime import timedelta

from entrypoints.http.middleware.admission import AdmissionControl
from entrypoints.http.submission_intents import IntentSigner


def unlimited_admission() -> AdmissionControl:
    """Return a door that turns nobody away."""
    return AdmissionControl(IntentSigner(secret=b"", grace=timedelta(0)), most=100_000)

"""Former names of settings, accepted until the next version with a warning on standard error."""

import sys
from collections.abc import Mapping
from typing import Any

from config.sections.section import Misconfigured

RENAMED = {
    "stores": "inventory",
    "admission.most": "admission.max_in_flight",
    "http.shared": "http.reuse_port",
    "notifications.absent_after_minutes": "notifications.resend_after_minutes",
    "notifications.person_after_hours": "notifications.manual_review_after_hours",
    "resilience.concurrency": "resilience.max_in_flight",
    "resilience.tries": "resilience.max_attempts",
    "sandbox.failing_percent": "sandbox.failure_percent",
    "sandbox.record": "sandbox.record_path",
    "telemetry.logs": "telemetry.log_format",
}
"""Former paths to current ones: a section, or a key that stays in its section."""
FILE_SUFFIX = "_FILE"


def rename_settings(document: dict[str, Any], source: str) -> None:
    """Move the values of former names in a document to the current names; raise `Misconfigured` where both are set."""
    for former, current in RENAMED.items():
        section, _, key = former.rpartition(".")
        place = document.get(section) if section else document
        if isinstance(place, dict) and key in place:
            current_key = current.rpartition(".")[2]
            if current_key in place:
                raise both_set(source, former, current)
            warn(source, former, current)
            place[current_key] = place.pop(key)


def rename_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables under their current names; raise `Misconfigured` where one setting has both."""
    renamed: dict[str, str] = {}
    for name, value in environ.items():
        current = current_name(name)
        if current != name:
            plain = current.removesuffix(FILE_SUFFIX)
            for other in (plain, plain + FILE_SUFFIX):
                if other in environ:
                    raise both_set("environment", name, other)
            warn("environment", name, current)
        renamed[current] = value
    return renamed


def current_name(variable: str) -> str:
    """Return the current name of a variable of the environment, which may have the former one."""
    for former, current in RENAMED.items():
        prefix = variable_of(former)
        if variable.upper() in (prefix, prefix + FILE_SUFFIX) or variable.upper().startswith(f"{prefix}__"):
            return variable_of(current) + variable[len(prefix) :]
    return variable


def variable_of(path: str) -> str:
    """Return the variable of the environment for the path of a setting."""
    return "BURSAR__" + path.replace(".", "__").upper()


def both_set(source: str, former: str, current: str) -> Misconfigured:
    """Return the error of a setting that has a value under both names."""
    return Misconfigured(f"{source}: {former} and {current} are both set; {former} is the former name: remove it")


def warn(source: str, former: str, current: str) -> None:
    """Print that a former name is in use; standard output may be read by a program."""
    sys.stderr.write(f"warning: {source}: {former} is now called {current}; the next version refuses {former}\n")

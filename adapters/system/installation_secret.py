"""The secret of an installation on one machine, in a file that only its owner can read."""

import os
import secrets
from pathlib import Path


def installation_secret(given: str, path: str) -> str:
    """Return the given secret; without one that of the file, which the first call creates."""
    if given:
        return given
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return stored_secret(Path(path))
    except FileNotFoundError:  # without its folder there is no database either, so nothing can outlive this secret
        return secrets.token_urlsafe(48)
    with os.fdopen(file, "w", encoding="utf-8") as created:
        created.write(secret := secrets.token_urlsafe(48))
    return secret


def stored_secret(path: Path) -> str:
    """Return the content of the file; raise `OSError` for one that is cut short, or that others can read."""
    found = path.read_text(encoding="utf-8").strip()
    if len(found) < 32 or path.stat().st_mode & 0o077:
        raise OSError(None, "not a secret that only its owner can read: mode 0600 and 32 characters", str(path))
    return found

"""The encryption key of an installation on one machine, in a file that only its owner can read."""

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkstemp

from core.kernel.encryption import create_key, read_keys
from core.kernel.errors import Unavailable


def keys_beside(path: str, configured: Mapping[int, bytes]) -> Mapping[int, bytes]:
    """Return the configured keys; without any, those of the file beside a database, which the first call creates."""
    file = Path(f"{path}.keys")
    if configured:
        return configured
    try:
        if not file.exists():
            create(file)
        return read_keys(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Unavailable(f"{file}, which has the key of the personal data, cannot be used: {reason}") from None


def create(file: Path) -> None:
    """Create the file with one key; of several processes one succeeds, and none sees a part of it."""
    descriptor, temporary = mkstemp(dir=file.parent, prefix=file.name)  # with the mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as created:
            created.write(create_key() + "\n")
            created.flush()
            os.fsync(created.fileno())
        os.link(temporary, file)
    except FileExistsError:
        return
    finally:
        Path(temporary).unlink()

"""The installation's secret key: taken from the configuration, or made once and kept in the data folder."""

import os
import secrets
from pathlib import Path

from wharf.config.tree import Config
from wharf.config.values import Secret


def get_or_create(config: Config) -> Secret:
    """Return the configured key, else the one in the file `secret_key` of the data folder, made (0600) when absent."""
    if config.secret_key:
        return config.secret_key
    file = config.data_folder / "secret_key"
    config.data_folder.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        _write_once(file, secrets.token_hex(32))
    return Secret(file.read_text("ascii").strip())


def _write_once(file: Path, key: str) -> None:
    # Two processes may start at the same time in one folder: the first link wins, and nobody ever reads half a key.
    draft = file.with_name(f"secret_key.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(key + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()

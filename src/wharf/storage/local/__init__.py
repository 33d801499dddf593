"""The local driver: objects as files in one folder. `driver.py` is what the room sees, `files.py` the steps."""

from wharf.storage.local.driver import LocalStorage

__all__ = ["LocalStorage"]

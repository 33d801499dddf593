"""What was computed from a SQLite database, for as long as the database has not changed since."""

import asyncio
import sqlite3
from typing import Any

_ENTRIES = 50_000
# Changes for a connection when another one, of whatever process, has committed. Our own commits call `forget`.
_VERSION = "PRAGMA data_version"


class Memo:
    """A dictionary that is emptied by every commit, of whatever process, except our own additive ones."""

    def __init__(self, writer: sqlite3.Connection) -> None:
        self._writer = writer
        self._seen = -1
        self._fresh = False
        self._entries: dict[object, Any] = {}

    def current(self) -> dict[object, Any]:
        """Return what is still true.

        The database is asked once in a turn of the event loop: whoever asks again in the same turn was there before the
        turn began, so an answer as old as the turn is not older than the question.
        """
        if not self._fresh:
            version = self._writer.execute(_VERSION).fetchone()[0]
            if version != self._seen or len(self._entries) > _ENTRIES:
                self.forget()
                self._seen = version
            self._fresh = True
            asyncio.get_running_loop().call_soon(self._age)
        return self._entries

    def forget(self) -> None:
        """Begin anew; who still computes from older facts puts them into the old dictionary."""
        self._entries = {}

    def _age(self) -> None:
        self._fresh = False

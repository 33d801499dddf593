"""What was computed from a SQLite database, for as long as the database has not changed since."""

import sqlite3
from typing import Any

_ENTRIES = 50_000
_VERSION = "PRAGMA data_version"  # changes for a connection when another one, of any process, has committed


class Memo:
    """A dictionary that is emptied by every commit, of whatever process, except our own additive ones."""

    def __init__(self, reader: sqlite3.Connection, writer: sqlite3.Connection) -> None:
        self._reader = reader
        self._writer = writer
        self._seen = -1
        self._entries: dict[object, Any] = {}

    def current(self) -> dict[object, Any]:
        """Return what is still true."""
        version = self._reader.execute(_VERSION).fetchone()[0]
        if version != self._seen or len(self._entries) > _ENTRIES:
            self._entries = {}  # a new one: who still computes from older facts puts them into the old one
            self._seen = version
        return self._entries

    def before(self) -> int:
        """Note how things are just before our own commit, while nobody else can commit."""
        self.current()
        version: int = self._writer.execute(_VERSION).fetchone()[0]
        return version

    def after_additive(self, version: int, seen: int) -> None:
        """Keep the entries if our own commit was all that has happened since `before` returned `version`.

        The order counts: somebody else's commit that the first look includes is also seen by the second, because the
        writer's number does not change with its own commits.
        """
        now = self._reader.execute(_VERSION).fetchone()[0]
        if self._writer.execute(_VERSION).fetchone()[0] == version and self._seen == seen:
            self._seen = now

    @property
    def seen(self) -> int:
        """The state that the entries belong to."""
        return self._seen

"""What can go wrong in a database, as facts."""


class DatabaseError(Exception):
    """The database refused a statement."""


class Conflict(DatabaseError):
    """A unique or foreign key constraint refused a row: somebody else was first, or the row it points at is gone."""


class DatabaseUnavailable(DatabaseError):
    """The database could not be reached, or its write lock could not be had in time."""

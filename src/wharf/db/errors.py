"""What can go wrong in a database, as facts."""


class DatabaseError(Exception):
    """The database refused a statement."""


class Conflict(DatabaseError):
    """Somebody else was first: a constraint refused a row, or transactions waited for each other. Try again."""


class DatabaseUnavailable(DatabaseError):
    """The database could not be reached, or its write lock could not be had in time."""

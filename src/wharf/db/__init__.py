"""The databases: statements in, tuples out, on SQLite (default) and PostgreSQL (many replicas).

Owns connections, transactions and every difference between the two databases. Refuses to know any table: rooms above
declare theirs on `metadata` and keep their SQL next to the verb that uses it. Called by every room that stores facts.
"""

from wharf.db.engine import Database, open_database
from wharf.db.errors import Conflict, DatabaseUnavailable
from wharf.db.tx import Read, Tx

__all__ = ["Conflict", "Database", "DatabaseUnavailable", "Read", "Tx", "open_database"]

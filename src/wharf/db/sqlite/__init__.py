"""SQLite: connections used inline, one writer with groups of commits, a memo that is as true as a statement."""

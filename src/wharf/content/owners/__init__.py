"""Content seen from the side of those it belongs to: users, organizations, teams and robots."""

"""Who belongs to an organization: its teams' members, and what a caller is within it."""

"""Who exists and how they prove it: users, organizations, teams, robots, passwords, tokens.

Turns credentials into an `access.principals.Principal` and nothing more: what a principal may do is decided by `access`
from grants that `content` loads. Secrets are kept as hashes, or sealed where they must be read again.
"""

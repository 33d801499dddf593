"""Programs of others: applications that an organization registers, and how they come to act for a user.

An application is given access tokens (`accounts.credentials.access_tokens`) for API scopes that a user grants. Owns the
applications and their secrets; what a token may do is decided where it is used.
"""

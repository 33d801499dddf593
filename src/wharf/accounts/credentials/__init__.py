"""What stands for a user who has proved who they are: browser sessions and the access tokens of programs.

Owns their rows and their secrets, which are random and kept as SHA-256 only. Knows nothing of cookies and headers; the
surfaces carry the secrets.
"""

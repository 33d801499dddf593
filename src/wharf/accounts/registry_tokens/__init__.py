"""Registry tokens: short-lived signed statements of who a client is and what it asked for (the Docker token protocol).

`TokenService` issues and verifies them; its keys live in the database, sealed, and are replaced regularly.
"""

from wharf.access.tokens import VerifiedToken
from wharf.accounts.registry_tokens.service import IssuedToken, TokenService

__all__ = ["IssuedToken", "TokenService", "VerifiedToken"]

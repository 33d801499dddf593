"""Issuing and verifying registry tokens: JWTs as the Docker token protocol describes them.

    iss, aud   this registry and its service name      iat, exp   a few minutes apart
    sub        the name the client signed in with      nbf        a minute before iat, for clocks that differ
    jti        a random id                             access     [{"type", "name", "actions"}, …]
    principal  {"kind", "id", "name", "namespace_id", "superuser"}: whom `access.decide` has to know

The last claim is ours: with it a request is answered without asking the database who is calling. What the caller may do
is looked up with every request all the same, so a grant taken back works at once, and a user who was disabled or is no
superuser any more is refused at the latest when the token expires.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, GuestProtocol

from wharf.access.principals import Principal, PrincipalKind
from wharf.access.tokens import VerifiedToken
from wharf.accounts.errors import TokenExpired, TokenInvalid
from wharf.accounts.registry_tokens import keys
from wharf.accounts.registry_tokens.keys import SigningKey
from wharf.db import Database
from wharf.kit.clock import Clock, utc_now
from wharf.kit.crypto import SecretBox, random_token
from wharf.oci.scopes import Scope

SKEW = timedelta(seconds=60)
_ALGORITHMS = ["ES256"]
_MAX_TOKEN_LENGTH = 16 * 1024
_MAX_REMEMBERED = 20_000
_RELOAD_EVERY = timedelta(minutes=10)


class IssuedToken(NamedTuple):
    """What the client gets."""

    token: str
    expires_in: int
    issued_at: datetime
    scopes: tuple[Scope, ...]


class TokenService:
    """Issues and verifies the tokens of one installation; every replica has one, over the same keys.

    `reload` is called once at start and then at least every `keys.LEAD`; issuing reloads now and then by itself.
    """

    def __init__(
        self,
        db: Database,
        box: SecretBox,
        *,
        issuer: str,
        audience: str,
        lifetime: timedelta = timedelta(seconds=300),
        clock: Clock = utc_now,
    ) -> None:
        self._db = db
        self._box = box
        self._issuer = issuer
        self._audience = audience
        self._lifetime = lifetime
        self._clock = clock
        self._keys: list[SigningKey] = []
        self._public: dict[str, ECKey] = {}
        self._reload_at = datetime.min.replace(tzinfo=UTC)
        self._verified: dict[str, VerifiedToken] = {}

    async def reload(self) -> None:
        """Load the keys; make the first or the next one when it is time."""
        now = self._clock()
        self._reload_at = now + _RELOAD_EVERY
        async with self._db.read() as read:
            found = await keys.load(read, self._box)
        if keys.is_due(found, now):
            async with self._db.write() as tx:
                await keys.rotate(tx, self._box, now)
            async with self._db.read() as read:
                found = await keys.load(read, self._box)
        self._keys = found
        self._public = {each.id: each.key for each in found if each.key}

    async def issue(self, principal: Principal, scopes: Sequence[Scope]) -> IssuedToken:
        """Sign a token for `scopes`, which the caller has cut down to what may be told to be granted."""
        now = self._clock().replace(microsecond=0)
        key_id, key = await self._signer()
        issued_at = int(now.timestamp())
        claims = {
            "iss": self._issuer,
            "sub": principal.name,
            "aud": self._audience,
            "iat": issued_at,
            "nbf": issued_at - int(SKEW.total_seconds()),
            "exp": issued_at + int(self._lifetime.total_seconds()),
            "jti": random_token(12),
            "access": [_written(scope) for scope in scopes],
            "principal": {
                "kind": principal.kind,
                "id": principal.id,
                "name": principal.name,
                "namespace_id": principal.namespace_id,
                "superuser": principal.superuser,
            },
        }
        token = jwt.encode({"alg": _ALGORITHMS[0], "kid": key_id}, claims, key, _ALGORITHMS)
        return IssuedToken(token, int(self._lifetime.total_seconds()), now, tuple(scopes))

    def verify(self, token: str) -> VerifiedToken:
        """Return what a token says; runs no statement, and the signature is checked once per token.

        Raises TokenExpired (which carries what the token said) and TokenInvalid.
        """
        verified = self._verified.get(token)
        if verified is None:
            verified = self._check(token)
            if len(self._verified) >= _MAX_REMEMBERED:
                self._verified.clear()
            self._verified[token] = verified
        if verified.expires_at <= self._clock():
            raise TokenExpired(verified)
        return verified

    async def _signer(self) -> tuple[str, ECKey]:
        now = self._clock()
        # The second attempt is for the first requests of all, which come while another one is loading the keys.
        for must_reload in (now >= self._reload_at, True):
            if must_reload:
                await self.reload()
            signer = keys.signer(self._keys, now)
            if signer and signer.key:
                return signer.id, signer.key
        raise AssertionError("reloading leaves a key that signs")

    def _check(self, token: str) -> VerifiedToken:
        if len(token) > _MAX_TOKEN_LENGTH:
            raise TokenInvalid
        try:
            claims = jwt.decode(token, self._key_of, _ALGORITHMS).claims
            if claims["iss"] != self._issuer or claims["aud"] != self._audience:
                raise TokenInvalid
            if claims["nbf"] > self._clock().timestamp():
                raise TokenInvalid
            return _verified(claims)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            # Hostile text, a token of another registry, or one of another version of Wharf.
            raise TokenInvalid from None

    def _key_of(self, token: GuestProtocol) -> ECKey:
        key_id = token.headers().get("kid")
        key = self._public.get(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise TokenInvalid
        return key


def _written(scope: Scope) -> dict[str, Any]:
    kind = {"type": scope.kind} if scope.kind_class is None else {"type": scope.kind, "class": scope.kind_class}
    return {**kind, "name": scope.name, "actions": sorted(scope.actions)}


def _verified(claims: Mapping[str, Any]) -> VerifiedToken:
    who = claims["principal"]
    scopes = tuple(
        Scope(each["type"], each["name"], frozenset(each["actions"]), each.get("class")) for each in claims["access"]
    )
    return VerifiedToken(
        Principal(PrincipalKind(who["kind"]), who["id"], who["name"], who["namespace_id"], who["superuser"]),
        scopes,
        datetime.fromtimestamp(claims["exp"], UTC),
        {(scope.kind, scope.name): scope.actions for scope in scopes},
    )

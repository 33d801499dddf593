"""Registry tokens and the keys that sign them."""

import asyncio
import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from tests.accounts.conftest import Watch
from wharf.access.principals import ANONYMOUS, Principal, PrincipalKind
from wharf.accounts.errors import TokenExpired, TokenInvalid
from wharf.accounts.registry_tokens import TokenService, keys
from wharf.db import Database
from wharf.kit.crypto import SecretBox
from wharf.oci.scopes import Scope

BOX = SecretBox("a secret key of at least 32 characters")
ADA = Principal(PrincipalKind.USER, 7, "ada", namespace_id=7, superuser=True)
CI = Principal(PrincipalKind.ROBOT, 9, "acme+ci", namespace_id=3)
SCOPES = (
    Scope("repository", "acme/app", frozenset({"pull", "push"})),
    Scope("registry", "catalog", frozenset({"*"})),
)


def service(database: Database, watch: Watch, *, box: SecretBox = BOX, audience: str = "wharf.test") -> TokenService:
    return TokenService(database, box, issuer="wharf", audience=audience, clock=watch)


def part(token: str, index: int) -> dict[str, object]:
    text = token.split(".")[index]
    decoded: dict[str, object] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return decoded


@pytest.mark.parametrize("principal", [ADA, CI, ANONYMOUS])
async def test_a_token_says_who_and_what(database: Database, watch: Watch, principal: Principal) -> None:
    tokens = service(database, watch)
    issued = await tokens.issue(principal, SCOPES)
    assert (300, watch(), SCOPES) == (issued.expires_in, issued.issued_at, issued.scopes)
    verified = tokens.verify(issued.token)
    assert principal == verified.principal
    assert SCOPES == verified.scopes
    assert principal.subject == verified.subject
    assert watch() + timedelta(seconds=300) == verified.expires_at


async def test_a_token_allows_what_it_was_issued_for(database: Database, watch: Watch) -> None:
    tokens = service(database, watch)
    verified = tokens.verify((await tokens.issue(ADA, SCOPES)).token)
    assert verified.allows("acme/app", "pull")
    assert not verified.allows("acme/app", "delete")
    assert not verified.allows("acme/other", "pull")
    assert not verified.allows("catalog", "pull")
    assert verified.allows("catalog", "anything", "registry")


async def test_the_claims_are_those_of_the_docker_protocol(database: Database, watch: Watch) -> None:
    token = (await service(database, watch).issue(CI, SCOPES)).token
    head, claims = part(token, 0), part(token, 1)
    now = int(watch().timestamp())
    assert {"alg": "ES256", "typ": "JWT"} == {key: head[key] for key in ("alg", "typ")}
    assert {"iss": "wharf", "sub": "acme+ci", "aud": "wharf.test", "iat": now, "nbf": now - 60, "exp": now + 300} == {
        key: claims[key] for key in ("iss", "sub", "aud", "iat", "nbf", "exp")
    }
    assert {"type": "repository", "name": "acme/app", "actions": ["pull", "push"]} in claims["access"]  # type: ignore[operator]
    assert claims["jti"]


async def test_an_expired_token_still_says_whose_it_was(database: Database, watch: Watch) -> None:
    tokens = service(database, watch)
    token = (await tokens.issue(ADA, SCOPES)).token
    watch.pass_(seconds=299)
    tokens.verify(token)
    watch.pass_(seconds=1)
    for _ in range(2):
        with pytest.raises(TokenExpired) as expired:
            tokens.verify(token)
        assert "user:7" == expired.value.token.subject
    fresh = service(database, watch)
    await fresh.reload()
    with pytest.raises(TokenExpired):
        fresh.verify(token)


async def test_every_replica_verifies_what_one_has_issued(database: Database, watch: Watch) -> None:
    here, there = service(database, watch), service(database, watch)
    await asyncio.gather(here.reload(), there.reload())
    for one, other in ((here, there), (there, here)):
        assert ADA == other.verify((await one.issue(ADA, SCOPES)).token).principal


async def test_a_token_from_a_clock_a_little_ahead_is_accepted(database: Database, watch: Watch) -> None:
    ahead = Watch()
    ahead.pass_(seconds=59)
    token = (await service(database, ahead).issue(ADA, SCOPES)).token
    tokens = service(database, watch)
    await tokens.reload()
    tokens.verify(token)
    ahead.pass_(seconds=2)
    with pytest.raises(TokenInvalid):
        tokens.verify((await service(database, ahead).issue(ADA, SCOPES)).token)


async def test_tokens_for_others_are_refused(database: Database, watch: Watch) -> None:
    tokens = service(database, watch)
    token = (await tokens.issue(ADA, SCOPES)).token
    elsewhere = service(database, watch, audience="other.test")
    await elsewhere.reload()
    with pytest.raises(TokenInvalid):
        elsewhere.verify(token)


async def test_forgeries_are_refused(database: Database, watch: Watch) -> None:
    tokens = service(database, watch)
    token = (await tokens.issue(CI, SCOPES)).token
    head, body, signature = token.split(".")
    claims = part(token, 1) | {"principal": {"kind": "user", "id": 7, "superuser": True}}
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": part(token, 0)["kid"]}).encode()).decode()
    other = ECKey.generate_key("P-256")
    secret = OctKey.import_key("the public key, taken for a shared secret")
    key_id = part(token, 0)["kid"]
    for attempt in (
        f"{head}.{forged}.{signature}",
        f"{none.rstrip('=')}.{body}.",
        f"{head}.{body}",
        f"{head}.{body}.",
        token + "x",
        token[:-4] + "AAAA",
        jwt.encode({"alg": "ES256", "kid": key_id}, claims, other),
        jwt.encode({"alg": "HS256", "kid": key_id}, claims, secret),
        jwt.encode({"alg": "ES256"}, claims, other),
        jwt.encode({"alg": "ES256", "kid": other.thumbprint()}, claims, other),
        base64.urlsafe_b64encode(b"[" * 12000).decode() + f".{body}.{signature}",
        "x" * 100_000,
        "",
        "..",
        "ü.ü.ü",
    ):
        with pytest.raises(TokenInvalid):
            tokens.verify(attempt)


@pytest.fixture(scope="module")
def keyless() -> TokenService:
    """A service that has loaded no keys; it needs no database to refuse."""
    return TokenService(None, BOX, issuer="wharf", audience="wharf.test")  # type: ignore[arg-type]


@given(st.one_of(st.text(), st.from_regex(r"[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,60}")))
def test_no_text_is_more_than_invalid(keyless: TokenService, text: str) -> None:
    with pytest.raises(TokenInvalid):
        keyless.verify(text)


async def test_a_token_is_checked_once(database: Database, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = service(database, watch)
    token = (await tokens.issue(ADA, SCOPES)).token
    tokens.verify(token)
    monkeypatch.setattr(jwt, "decode", None)
    assert ADA == tokens.verify(token).principal


async def test_keys_are_replaced_with_an_overlap(database: Database, watch: Watch) -> None:
    tokens, replica = service(database, watch), service(database, watch)
    old = (await tokens.issue(ADA, SCOPES)).token
    await replica.reload()
    watch.pass_(days=30)
    await tokens.reload()
    # The next key is there, but does not sign before every replica had time to load it.
    assert part(old, 0)["kid"] == part((await tokens.issue(ADA, SCOPES)).token, 0)["kid"]
    watch.pass_(hours=2)
    await replica.reload()
    new = (await tokens.issue(ADA, SCOPES)).token
    assert part(old, 0)["kid"] != part(new, 0)["kid"]
    assert ADA == replica.verify(new).principal
    fresh = service(database, watch)
    await fresh.reload()
    with pytest.raises(TokenExpired):
        fresh.verify(old)
    watch.pass_(days=3)
    await replica.reload()
    async with database.read() as read:
        assert [2] == [key.generation for key in await keys.load(read, BOX)]


async def test_a_new_secret_key_makes_a_new_signing_key(database: Database, watch: Watch) -> None:
    token = (await service(database, watch).issue(ADA, SCOPES)).token
    changed = service(database, watch, box=SecretBox("another secret key of 32 characters"))
    assert ADA == changed.verify((await changed.issue(ADA, SCOPES)).token).principal
    with pytest.raises(TokenInvalid):
        changed.verify(token)


async def test_a_private_key_is_not_readable_in_the_database(database: Database, watch: Watch) -> None:
    await service(database, watch).reload()
    async with database.read() as read:
        (_, _, sealed, _) = await read.one(keys._ALL)
    assert b"PRIVATE KEY" not in sealed


def test_what_a_principal_needs_is_in_its_token() -> None:
    """A field added to Principal has to be added to the claims as well."""
    assert {"kind", "id", "name", "namespace_id", "superuser"} == set(Principal.__slots__)
    assert ADA == replace(ADA)

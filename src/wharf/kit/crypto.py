"""Small secrets: sealing what Wharf must be able to read again, random tokens, and comparing without a tell-tale clock.

Everything that is encrypted with the installation's secret key goes through SecretBox, one derived key per purpose:
a text sealed for one purpose cannot be passed off as another.
"""

import hashlib
import hmac
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = b"\x01"
_NONCE_BYTES = 12


class SealBroken(Exception):
    """Sealed bytes were altered, or sealed with another key or for another purpose."""


class SecretBox:
    """Authenticated encryption (AES-256-GCM) under keys derived from one secret key."""

    def __init__(self, secret_key: str) -> None:
        self._secret_key = secret_key.encode()
        self._ciphers: dict[str, AESGCM] = {}

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """Encrypt `plain`; the result is 29 bytes longer: version, nonce, ciphertext, tag."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher(purpose).encrypt(nonce, plain, _VERSION)

    def unseal(self, sealed: bytes, purpose: str) -> bytes:
        """Decrypt what `seal` made for the same purpose, or raise SealBroken."""
        version, nonce, body = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if version != _VERSION or len(nonce) != _NONCE_BYTES:
            raise SealBroken
        try:
            return self._cipher(purpose).decrypt(nonce, body, _VERSION)
        except InvalidTag:
            raise SealBroken from None

    def _cipher(self, purpose: str) -> AESGCM:
        cipher = self._ciphers.get(purpose)
        if cipher is None:
            cipher = self._ciphers[purpose] = AESGCM(derive_key(self._secret_key, purpose))
        return cipher


def derive_key(secret_key: bytes, purpose: str) -> bytes:
    """A 32-byte key for one purpose (HKDF-SHA256, RFC 5869)."""
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=b"wharf", info=purpose.encode())
    return hkdf.derive(secret_key)


def random_token(size_bytes: int = 32) -> str:
    """URL-safe text with `size_bytes` bytes of randomness."""
    return secrets.token_urlsafe(size_bytes)


def hash_token(token: str) -> bytes:
    """SHA-256 of a random token. Too fast for passwords; right for what nobody can guess anyway."""
    return hashlib.sha256(token.encode()).digest()


def equal(left: str | bytes, right: str | bytes) -> bool:
    """Compare two secrets in a time that does not depend on where they differ."""
    left = left.encode() if isinstance(left, str) else left
    right = right.encode() if isinstance(right, str) else right
    return hmac.compare_digest(left, right)

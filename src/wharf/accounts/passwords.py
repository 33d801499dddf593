"""Passwords: argon2id (RFC 9106) in threads of its own, so that a slow hash never holds up the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NewType, ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from wharf.accounts.errors import PasswordUnacceptable, SignInBusy

PasswordHash = NewType("PasswordHash", str)
P = ParamSpec("P")
T = TypeVar("T")

MIN_LENGTH = 8
# Long enough for any sentence, short enough that nobody makes us hash megabytes.
MAX_LENGTH = 1024

# OWASP's smallest recommendation: 19 MiB and two passes are some 20 ms, and memory stays modest with the threads below.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_THREADS = 2
_MAX_WAITING = 64
_threads = ThreadPoolExecutor(_THREADS, "wharf-passwords")
_waiting = 0

# Compared with where there is no account, so that the answer takes as long as for a wrong password.
_NOBODY = PasswordHash(
    "$argon2id$v=19$m=19456,t=2,p=1$HL+K6HtcFsH+I78VXyL3LQ$BVN98mXvVmv4iVaG5ea4QwQped97Bicdo3pg89KJvQs"
)


async def hash_(password: str) -> PasswordHash:
    """Hash a new password; raises PasswordUnacceptable and SignInBusy. Done before a transaction begins, not in it."""
    check(password)
    return PasswordHash(await _in_thread(_hasher.hash, password))


async def verify(stored: PasswordHash | None, password: str) -> bool:
    """Tell whether `password` is the one that was hashed; without a hash, as slowly as with one. Raises SignInBusy."""
    if len(password) > MAX_LENGTH:
        return False
    return await _in_thread(_matches, stored or _NOBODY, password) and stored is not None


def is_outdated(stored: PasswordHash) -> bool:
    """Tell whether a hash was made with other costs than today's and should be made anew at the next sign-in."""
    return _hasher.check_needs_rehash(stored)


def check(password: str) -> None:
    """Raise PasswordUnacceptable for a password that may not be chosen."""
    if len(password) < MIN_LENGTH:
        raise PasswordUnacceptable(f"a password needs at least {MIN_LENGTH} characters")
    if len(password) > MAX_LENGTH:
        raise PasswordUnacceptable(f"a password has at most {MAX_LENGTH} characters")
    try:
        password.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can spell
        raise PasswordUnacceptable("a password has to be valid Unicode") from None


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


async def _in_thread(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    global _waiting  # noqa: PLW0603 - the threads are the process's, so is their queue
    if _waiting >= _MAX_WAITING:
        raise SignInBusy(retry_after_seconds=2)
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, partial(work, *arguments, **named))
    finally:
        _waiting -= 1

"""Clients of the REST API over ASGI: with an access token, as a browser, or as nobody."""

from datetime import timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from tests.world.world import Account
from wharf.access.api_scopes import ApiScope
from wharf.accounts.credentials import access_tokens, sessions
from wharf.api import Parts, create_api
from wharf.api.kit import cookies
from wharf.config import Config
from wharf.db import Database
from wharf.kit.clock import Clock
from wharf.kit.crypto import SecretBox

BASE = "http://registry.test"
BOX = SecretBox("a key that only tests have, 32 long")


class Api:
    """The API over a world's database. Clients are closed with it."""

    def __init__(self, database: Database, clock: Clock, config: Config | None = None) -> None:
        self.database = database
        self.clock = clock
        self.config = config or Config()
        self.application: FastAPI = create_api(Parts(database, self.config, BOX, clock))
        self._clients: list[httpx.AsyncClient] = []

    def client(self, **options: Any) -> httpx.AsyncClient:
        """Nobody's client."""
        transport = httpx.ASGITransport(app=self.application, client=("192.0.2.7", 5000))
        client = httpx.AsyncClient(transport=transport, base_url=options.pop("base_url", BASE), **options)
        self._clients.append(client)
        return client

    async def bearer(self, account: Account, *scopes: ApiScope) -> httpx.AsyncClient:
        """A program with an access token of `account`, for all scopes unless some are named."""
        async with self.database.write() as tx:
            token = await access_tokens.issue(
                tx, account.principal, scopes or ApiScope, title="a test", at=self.clock()
            )
        return self.client(headers={"authorization": f"Bearer {token.text}"})

    async def browser(self, account: Account) -> httpx.AsyncClient:
        """A browser that `account` has just signed in with, with its CSRF token."""
        async with self.database.write() as tx:
            opened = await sessions.open_(
                tx,
                account.principal,
                lifetime=timedelta(seconds=self.config.accounts.session_lifetime_seconds),
                client="a test",
                address=None,
                at=self.clock(),
            )
        client = self.client(headers={cookies.CSRF_HEADER: cookies.csrf_token(opened.secret)})
        client.cookies.set(cookies.COOKIE, opened.secret, domain="registry.test")
        return client

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()

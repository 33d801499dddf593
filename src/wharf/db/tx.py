"""Reading and writing as different types.

A function that only reads asks for `Read` and is given either; one that writes asks for `Tx`. A `Tx` is never held
across a request body, storage or another service.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar, TypeVarTuple, overload

from sqlalchemy import Executable
from sqlalchemy.sql.selectable import TypedReturnsRows

Ts = TypeVarTuple("Ts")
T = TypeVar("T")


class Runner(Protocol):
    """What a database offers to run one statement."""

    async def rows(self, statement: Executable, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run and fetch all rows."""
        ...

    async def run(self, statement: Executable, given: Mapping[str, Any]) -> int:
        """Run and count the rows touched."""
        ...

    async def many(self, statement: Executable, given: Sequence[Mapping[str, Any]]) -> None:
        """Run once per set of parameters."""
        ...

    async def notify(self, channel: str) -> None:
        """Wake whoever waits for `channel` once the transaction is committed."""
        ...


class Read:
    """A place to read from. Parameters are the statement's bind names."""

    __slots__ = ("_runner",)

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def all(self, statement: TypedReturnsRows[*Ts], **given: Any) -> list[tuple[*Ts]]:
        """Return every row."""
        return await self._runner.rows(statement, given)

    async def find(self, statement: TypedReturnsRows[*Ts], **given: Any) -> tuple[*Ts] | None:
        """Return the first row, or None."""
        rows = await self._runner.rows(statement, given)
        return rows[0] if rows else None

    async def one(self, statement: TypedReturnsRows[*Ts], **given: Any) -> tuple[*Ts]:
        """Return the first row; raises LookupError when there is none."""
        rows = await self._runner.rows(statement, given)
        if not rows:
            raise LookupError(given)
        return rows[0]

    @overload
    async def scalar(self, statement: TypedReturnsRows[T], **given: Any) -> T | None: ...
    @overload
    async def scalar(self, statement: TypedReturnsRows[T, *Ts], **given: Any) -> T | None: ...
    async def scalar(self, statement: Any, **given: Any) -> Any:
        """Return the first column of the first row, or None."""
        rows = await self._runner.rows(statement, given)
        return rows[0][0] if rows else None


class Tx(Read):
    """A transaction: all of it is committed when its block ends, or nothing is."""

    __slots__ = ()

    async def run(self, statement: Executable, **given: Any) -> int:
        """Run a statement and return how many rows it touched. Raises `Conflict`."""
        return await self._runner.run(statement, given)

    async def many(self, statement: Executable, given: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once per set of parameters. Raises `Conflict`."""
        if given:
            await self._runner.many(statement, given)

    async def notify(self, channel: str) -> None:
        """Wake whoever waits for `channel`, in every process, after the commit."""
        await self._runner.notify(channel)

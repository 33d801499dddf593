"""Statements compiled once per database.

A room's statement is a module-level constant; here it becomes SQL text, an order of parameters and one converter per
column. Nothing of SQLAlchemy runs when the statement is executed again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler

_DIFFER = "statement parameters differ"
Converter = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run one statement: its text, its parameters (a constant or a name to look up) and its columns."""

    sql: str
    order: tuple[str, ...] | None  # positional parameters, None where the driver takes names
    required: frozenset[str]
    constants: Mapping[str, Any]
    binders: Mapping[str, Callable[[Any], Any]]
    columns: tuple[Converter, ...] | None  # None: every column arrives as it should
    compiled: SQLCompiler | None  # kept only for statements with IN lists, whose text depends on the values
    pick: Callable[[Mapping[str, Any]], tuple[Any, ...]] | None  # positional values of a text that never changes
    bind_at: tuple[tuple[int, Callable[[Any], Any]], ...]  # which of these are converted, and how

    def text(self, given: Mapping[str, Any]) -> tuple[str, Any]:
        """Return the SQL and the parameters in the form the driver wants.

        Raises TypeError when a parameter is missing or unknown.
        """
        if len(given) != len(self.required) or not self.required.issuperset(given):
            raise TypeError(_DIFFER, sorted(self.required.symmetric_difference(given)))
        if self.pick is not None:
            picked = list(self.pick({**self.constants, **given} if self.constants else given))
            for place, bind in self.bind_at:
                picked[place] = bind(picked[place])
            return self.sql, picked
        values = self._bound(given)
        if self.compiled is None:
            sql, order = self.sql, self.order
        else:
            state = self.compiled.construct_expanded_state(values)
            sql, values = state.statement, dict(state.parameters)
            order = None if self.order is None else tuple(state.positiontup or ())
        if order is None:
            return sql, values
        return sql, [values[name] for name in order]

    def _bound(self, given: Mapping[str, Any]) -> dict[str, Any]:
        values = {**self.constants, **given}
        for name, bind in self.binders.items():
            if name in given:
                values[name] = bind(given[name])
        return values

    def rows(self, raw: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Convert driver rows into the statement's column types."""
        if self.columns is None:
            return raw if isinstance(raw, list) else list(raw)
        columns = self.columns
        return [
            tuple(value if convert is None else convert(value) for value, convert in zip(row, columns, strict=True))
            for row in raw
        ]


class Plans:
    """The plans of one database, one per statement object; a statement built on the fly is forgotten with it."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._plans: WeakKeyDictionary[Executable, Plan] = WeakKeyDictionary()

    def of(self, statement: Executable, given: Mapping[str, Any]) -> Plan:
        """Return the plan of `statement`; the first use decides which columns an INSERT without values names."""
        plan = self._plans.get(statement)
        if plan is None:
            plan = self._plans[statement] = self._compile(statement, given)
        return plan

    def _compile(self, statement: Executable, given: Mapping[str, Any]) -> Plan:
        compiled = cast(
            "SQLCompiler",
            statement.compile(dialect=self._dialect, column_keys=list(given) or None),  # type: ignore[attr-defined]
        )
        names = compiled.bind_names.values()
        required = {name for name in names if compiled.binds[name].required}
        constants = {name: compiled.params[name] for name in names if name not in required}
        binders = {name: bind for name in names if (bind := self._binder(compiled, name)) is not None}
        constants = {name: binders[name](value) if name in binders else value for name, value in constants.items()}
        order = None if compiled.positiontup is None else tuple(compiled.positiontup)
        expands = bool(compiled.post_compile_params)
        return Plan(
            sql=compiled.string,
            order=order,
            required=frozenset(required),
            constants=constants,
            binders=binders,
            columns=self._converters(compiled),
            compiled=compiled if expands else None,
            pick=None if order is None or expands else _picker(order),
            # Constants were converted when the statement was compiled.
            bind_at=tuple(
                (n, binders[name]) for n, name in enumerate(order or ()) if name in binders.keys() & required
            ),
        )

    def _binder(self, compiled: SQLCompiler, name: str) -> Callable[[Any], Any] | None:
        parameter = compiled.binds[name]
        bind = parameter.type.dialect_impl(self._dialect).bind_processor(self._dialect)
        if bind is None or not parameter.expanding:
            return bind
        return lambda values: [bind(each) for each in values]  # an IN list

    def _converters(self, compiled: SQLCompiler) -> tuple[Converter, ...] | None:
        converters = tuple(
            entry.type.dialect_impl(self._dialect).result_processor(self._dialect, None)
            for entry in compiled._result_columns  # noqa: SLF001 - the only list of the statement's column types
        )
        return converters if any(converters) else None


def _picker(order: tuple[str, ...]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Return what picks values by their names, in the speed of C where there are two or more."""
    if len(order) > 1:
        return itemgetter(*order)
    return lambda values: tuple(values[name] for name in order)

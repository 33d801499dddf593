import gc
from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, func, insert, literal, select, text, update

from tests.db.thing import COUNT, DELETE, GROW, INSERT, NAMES, SIZE, c, thing
from wharf.db import Database
from wharf.db import dialect as dialects
from wharf.db.dialect import insert as insert_or
from wharf.db.statement import Plans

_PLAIN_INSERT = insert(thing)
_IN_AND_MORE = (
    select(c.name)
    .where(c.size > bindparam("above"), c.name.in_(bindparam("among", expanding=True)), c.name != bindparam("but"))
    .order_by(c.name)
)
_LITERALS = select(c.name).where(c.name.like("a%"), c.name != "a:b", c.code.is_(None)).order_by(c.name)
_PUT = (
    insert_or(thing)
    .values(name=bindparam("called"), size=bindparam("of_size"))
    .on_conflict_do_update(index_elements=[c.name], set_={"size": bindparam("of_size")})
    .returning(c.id, c.size)
)


async def test_a_parameter_too_few_or_too_many_is_a_mistake(things: Database) -> None:
    async with things.read() as read:
        with pytest.raises(TypeError, match="parameters differ"):
            await read.all(SIZE)
        with pytest.raises(TypeError, match="parameters differ"):
            await read.all(SIZE, called="x", cold="y")


async def test_an_insert_without_values_names_the_columns_it_is_given(things: Database) -> None:
    statement = insert(thing)
    async with things.write() as tx:
        await tx.run(statement, name="a", size=1)
        await tx.many(statement, [{"name": "b", "size": 2}, {"name": "c", "size": 3}])
        assert [("a",), ("b",), ("c",)] == await tx.all(NAMES)


async def test_in_lists_of_any_length_beside_other_parameters(things: Database) -> None:
    async with things.write() as tx:
        await tx.many(_PLAIN_INSERT, [{"name": name, "size": size} for size, name in enumerate("abcdef")])
        for among in (["a", "b", "c", "d"], ["b"], [], list("abcdef")):
            expected = sorted(set(among) - {"a", "c"})
            assert expected == [name for (name,) in await tx.all(_IN_AND_MORE, above=0, among=among, but="c")]


async def test_percent_signs_and_colons_are_text(things: Database) -> None:
    async with things.write() as tx:
        for name in ("a:b", "a%", "b", "ab"):
            await tx.run(INSERT, called=name)
        assert [("a%",), ("ab",)] == await tx.all(_LITERALS)
        assert "100 %" == await tx.scalar(select(literal("100 %")))


async def test_hostile_text_is_only_a_value(things: Database) -> None:
    name = "'; DROP TABLE thing; -- %s :called $1"
    async with things.write() as tx:
        await tx.run(INSERT, called=name)
        assert [(name,)] == await tx.all(NAMES)
        assert 1 == await tx.run(DELETE, called=name)


async def test_insert_or_update_with_returning(things: Database) -> None:
    async with things.write() as tx:
        first = await tx.one(_PUT, called="a", of_size=1)
        second = await tx.one(_PUT, called="a", of_size=2)
    assert first[0] == second[0]
    assert [1, 2] == [first[1], second[1]]


async def test_constants_inside_a_statement_are_converted_too(things: Database) -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    async with things.write() as tx:
        await tx.run(INSERT, called="a")
        await tx.run(update(thing).values(at=at, facts={"a": 1}))
        assert [(at, {"a": 1})] == await tx.all(select(c.at, c.facts).where(c.at == at, c.at.in_([at])))


async def test_a_computed_column_has_its_type(things: Database) -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    async with things.write() as tx:
        await tx.run(update(thing).values(at=at))
        assert await tx.scalar(select(func.max(c.at))) is None
        await tx.run(insert(thing).values(name="a", at=at))
        assert at == await tx.scalar(select(func.max(c.at)))


async def test_text_statements_run_too(things: Database) -> None:
    async with things.write() as tx:
        await tx.run(INSERT, called="a")
        assert ("a", 1) == await tx.one(
            text("SELECT name, count(*) FROM thing WHERE name = :called GROUP BY name"),  # type: ignore[arg-type]
            called="a",
        )


async def test_the_forms_of_an_answer(things: Database) -> None:
    async with things.write() as tx:
        assert [] == await tx.all(NAMES)
        assert await tx.find(NAMES) is None
        assert await tx.scalar(NAMES) is None
        with pytest.raises(LookupError):
            await tx.one(NAMES)
        await tx.run(INSERT, called="a")
        assert ("a",) == await tx.one(NAMES) == await tx.find(NAMES)
        assert "a" == await tx.scalar(NAMES)
        assert 1 == await tx.scalar(COUNT)


async def test_run_counts_the_rows_it_touched(things: Database) -> None:
    async with things.write() as tx:
        await tx.many(_PLAIN_INSERT, [{"name": name, "size": 0} for name in "abc"])
        assert 1 == await tx.run(GROW, called="a")
        assert 0 == await tx.run(GROW, called="z")
        assert 3 == await tx.run(thing.update().values(size=5))
        await tx.many(_PLAIN_INSERT, [])
        assert 3 == await tx.scalar(COUNT)


@pytest.mark.parametrize("dialect", [dialects.sqlite(), dialects.postgresql()], ids=lambda dialect: dialect.name)
class TestPlans:
    def test_a_statement_is_compiled_once(self, dialect: object) -> None:
        plans = Plans(dialect)  # type: ignore[arg-type]
        assert plans.of(SIZE, {"called": "a"}) is plans.of(SIZE, {"called": "b"})

    def test_a_statement_made_on_the_fly_is_forgotten_with_it(self, dialect: object) -> None:
        plans = Plans(dialect)  # type: ignore[arg-type]
        for size in range(50):
            plans.of(select(c.name).where(c.size == size), {})
        gc.collect()
        assert not plans._plans

    def test_no_plan_is_kept_for_values(self, dialect: object) -> None:
        plans = Plans(dialect)  # type: ignore[arg-type]
        long = plans.of(_IN_AND_MORE, {"above": 0, "among": [], "but": ""})
        texts = {long.text({"above": 0, "among": list("ab" * n), "but": ""})[0] for n in (1, 2)}
        assert 2 == len(texts)
        assert long is plans.of(_IN_AND_MORE, {"above": 1, "among": ["z"], "but": "z"})

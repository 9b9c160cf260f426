"""Which marts there are, what asking for one brings along, and the statements `kehu sql` shows."""

from __future__ import annotations

import re

import duckdb
import pytest
from conformed_world import NIGHT, World, line

from kehu.config.errors import UsageError
from kehu.config.policy import PolicyBook
from kehu.schemas.model import Table
from kehu.schemas.tables import MARTS
from kehu.tasks.build import BuiltMart
from kehu.tasks.marts import EXAMPLE_DAY, WrittenFacts, mart_sql, marts_named
from kehu.tasks.marts import MARTS as DECLARED

ALL = (
    "dim_customer", "dim_class_policy", "mart_abc_customer", "mart_abc_indicator", "mart_abc_summary",
    "mart_abc_history", "mart_abc_migration", "mart_customer_stability", "mart_abc_compliance",
)  # fmt: skip


def test_every_contract_of_a_mart_has_a_maker() -> None:
    assert marts_named(()) == ALL == tuple(table.name for table in MARTS)
    assert tuple(DECLARED) == ALL


@pytest.mark.parametrize("name", ALL)
def test_a_mart_declares_all_marts_it_is_made_from(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a mart asks for, directly or through the facts; what those are made of, they declare themselves."""
    asked, of_mart = set(), WrittenFacts.mart
    written = WrittenFacts(PolicyBook.load(None).on(EXAMPLE_DAY), EXAMPLE_DAY)
    inside: list[str] = []

    def noted(facts: WrittenFacts, table: Table) -> object:
        if not inside:
            asked.add(table.name)
        inside.append(table.name)
        try:
            return of_mart(facts, table)
        finally:
            inside.pop()

    monkeypatch.setattr(WrittenFacts, "mart", noted)
    DECLARED[name].make(written)
    assert asked == {table.name for table in DECLARED[name].made_from}


@pytest.mark.parametrize(
    ("name", "marts"),
    [
        ("dim_customer", tuple(name for name in ALL if name != "dim_class_policy")),
        ("abc_customer", ("mart_abc_customer", "mart_abc_compliance")),
        ("mart_abc_indicator", ("mart_abc_customer", "mart_abc_indicator", "mart_abc_summary", "mart_abc_compliance")),
        ("mart_abc_history", ("mart_abc_customer", "mart_abc_history", "mart_abc_migration", "mart_abc_compliance")),
        ("abc", ALL[1:]),
    ],
)
def test_asking_for_a_mart_brings_what_depends_on_it(name: str, marts: tuple[str, ...]) -> None:
    assert marts_named([name]) == marts


def test_an_unknown_mart_is_refused() -> None:
    with pytest.raises(UsageError) as refused:
        marts_named(["mart_abd"])
    assert refused.value.code == "unknown_mart"


def test_marts_built_alone_are_those_built_together(world: World) -> None:
    world.sell(line("a", 1), line("b", 2, cost_net=1))
    together = world.checksums()
    for name in ("mart_abc_customer", "mart_abc_summary"):
        alone = world.build(only=[name])[name]
        assert isinstance(alone, BuiltMart)
        assert alone.checksum == together[name]


def test_nothing_is_left_behind_in_the_engine(world: World) -> None:
    from kehu.tasks.marts import build_marts

    world.sell(line("a", 1))
    with duckdb.connect() as engine:
        build_marts(engine, marts_named(()), world.inputs(world.home / "scratch", NIGHT))
        left = engine.sql("SELECT table_name FROM duckdb_tables()").fetchall()
    assert [name for (name,) in left if name.startswith("kehu")] == []


def test_the_statements_of_every_mart_can_be_read() -> None:
    statements = mart_sql()
    assert tuple(statements) == ALL
    for name, text in statements.items():
        assert text.startswith(f"-- {name}: as of 2024-12-31")
        steps = duckdb.extract_statements(text)
        assert all(step.type == duckdb.StatementType.SELECT for step in steps)
        # Names Ibis makes up, and columns it takes off in the order of a set, would differ from one call to the next.
        assert "memtable" not in text
        assert re.search(r"EXCLUDE \([^)]*,", text) is None
    assert "-- kehu_mart_abc_indicator" in statements["mart_abc_summary"]
    assert len(duckdb.extract_statements(statements["dim_customer"])) == 2  # the head offices first
    assert mart_sql(only=["mart_abc_migration"]) == {"mart_abc_migration": statements["mart_abc_migration"]}

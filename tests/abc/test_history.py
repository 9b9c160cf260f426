"""Classes over time (ABC-6, R7): moves, confirmation, runs and the migration matrix against a slow reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest
from ibis.backends.duckdb import Backend
from judgement_reference import Key, Trader, judged, moves

from kehu.tasks.abc import combined_scores, indicator_ranks, with_combined_class
from kehu.tasks.abc_history import class_history, migration
from kehu.tasks.abc_periods import (
    MONTH,
    QUARTER,
    ROLLING,
    Period,
    bounds_of,
    judged_period,
    periods_until,
    shown_count,
    with_twelve_months,
)
from kehu.tasks.abc_rules import AbcRules
from kehu.tasks.abc_values import (
    collections_by_slice,
    collections_in_periods,
    sales_by_slice,
    sales_in_periods,
    scored_customers,
    values_of_all,
    values_of_traders,
)
from kehu.tasks.build import fetch

RULES = AbcRules(history_months=5, history_quarters=3, history_rolling=4)
MONEY = pa.decimal128(38, 6)
Event = tuple[str, date, int, int]
"""Customer, day, amount, gross profit."""


def test_the_periods_of_a_day_within_a_month() -> None:
    periods = periods_until(date(2024, 3, 15), RULES)
    of_type = {kind: [period for period in periods if period.period_type == kind] for kind in (MONTH, QUARTER, ROLLING)}
    assert [len(found) for found in of_type.values()] == [7, 5, 6]  # two more than shown, for what is looked back upon
    assert (of_type[MONTH][0].start, of_type[MONTH][0].end) == (date(2024, 2, 1), date(2024, 2, 29))
    assert (of_type[QUARTER][0].start, of_type[QUARTER][0].end) == (date(2023, 10, 1), date(2023, 12, 31))
    rolling = [(period.start, period.end) for period in of_type[ROLLING][:3]]
    assert rolling == [
        (date(2023, 3, 16), date(2024, 3, 15)),
        (date(2023, 3, 1), date(2024, 2, 29)),
        (date(2023, 2, 1), date(2024, 1, 31)),
    ]


@pytest.mark.parametrize("as_of", [date(2024, 2, 29), date(2023, 2, 28), date(2024, 12, 31), date(2024, 5, 17)])
@pytest.mark.parametrize("window", [1, 12, "all"])
def test_slices_cover_every_period_without_gap_or_overlap(as_of: date, window: Any) -> None:
    periods = with_twelve_months(periods_until(as_of, replace(RULES, window=window)))
    bounds = bounds_of(periods)
    assert all(earlier < later for earlier, later in pairwise(bounds))
    for period in periods:
        assert period.start is None or period.start in bounds
        assert period.end + timedelta(days=1) in bounds


@pytest.mark.parametrize("as_of", [date(2024, 6, 30), date(2024, 6, 17)])
def test_every_period_agrees_with_the_slow_reference(engine: Backend, as_of: date) -> None:
    """Random trade over two years; each period's classes, moves, confirmation and runs worked out on their own."""
    chance = Random(7)
    names = [f"c{n:02}" for n in range(14)]
    sales: list[Event] = [
        (chance.choice(names), as_of - timedelta(days=chance.randrange(700)), chance.randrange(-40, 400),
         chance.randrange(-20, 90))
        for _ in range(400)
    ]  # fmt: skip
    paid = [(name, day + timedelta(days=20), amount) for name, day, amount, _ in sales if chance.random() < 0.8]
    paid = [event for event in paid if event[1] <= as_of]
    periods = periods_until(as_of, RULES)
    found = _history(engine, names, sales, paid, periods)
    for kind, year in ((MONTH, 12), (QUARTER, 4), (ROLLING, 12)):
        of_type = [period for period in periods if period.period_type == kind]
        classes = [_classes_of(names, sales, paid, period) for period in of_type]
        assert len({tuple(sorted(row.items())) for row in classes}) > 2  # there is something to see
        expected = moves(classes, RULES, year)[: shown_count(kind, RULES)]
        for age, rows in enumerate(expected):
            got = {(row["source"], row["customer_id"]): row for row in found if _is_of(row, kind, age)}
            assert got.keys() == rows.keys()
            for key, row in rows.items():
                since = row.pop("since_age")
                assert {name: got[key][name] for name in row} == row
                assert got[key]["class_since_date"] == (None if since is None else of_type[since].end)


def test_the_matrix_counts_every_customer_once(engine: Backend) -> None:
    periods = tuple(Period(MONTH, age, None, date(2024, 6 - age, 28)) for age in range(4))
    now = {"a": "A", "b": "A", "c": "B", "d": None, "e": "C"}
    before = {"a": "A", "b": "B", "c": "B", "d": "C", "e": None}
    older = {"a": "A", "b": "B", "c": "C", "d": "C", "e": None}
    rows = [
        (name, age, letter)
        for age, classes in enumerate((now, before, older, older))
        for name, letter in classes.items()
        if letter
    ]
    rules = replace(RULES, history_months=1)
    table = migration(class_history(_classes_table(rows, periods), periods, rules))
    matrix = {
        (row["class_from"], row["class_to"]): (row["moved_customers"], row["share_of_class_from"])
        for row in fetch(engine, table).to_pylist()
    }
    assert matrix == {
        ("A", "A"): (1, 1), ("B", "A"): (1, Decimal("0.5")), ("B", "B"): (1, Decimal("0.5")), ("C", "none"): (1, 1),
        ("none", "C"): (1, 1),
    }  # fmt: skip


def test_the_newest_window_is_the_judged_one(engine: Backend) -> None:
    """The class of the day and the newest row of the history come from two queries and agree."""
    as_of = date(2024, 6, 17)
    chance = Random(3)
    names = [f"c{n:02}" for n in range(9)]
    sales = [
        (chance.choice(names), as_of - timedelta(days=chance.randrange(500)), chance.randrange(-20, 200), 5)
        for _ in range(120)
    ]
    periods = periods_until(as_of, RULES)
    population, in_periods, received = _traded(names, sales, [], periods)
    judged_now = values_of_all(population, in_periods, received, _no_brand(), RULES, judged_period(as_of, RULES))
    rows = fetch(engine, _judged(judged_now)).to_pylist()
    now = {row["customer_id"]: row["abc_class"] for row in rows if row["abc_class"]}
    newest = [row for row in _history(engine, names, sales, [], periods) if _is_of(row, ROLLING, 0)]
    assert now and now == {row["customer_id"]: row["abc_class"] for row in newest if row["abc_class"]}


# --- how the tables are made ------------------------------------------------------------------------------------------


def _is_of(row: Mapping[str, Any], kind: str, age: int) -> bool:
    return bool(row["period_type"] == kind and row["period_age"] == age)


def _classes_of(
    names: Sequence[str], sales: Sequence[Event], paid: Sequence[tuple[str, date, int]], period: Period
) -> dict[Key, str]:
    def total(rows: Sequence[tuple[Any, ...]], place: int, name: str) -> Fraction:
        start = period.start or date.min
        return Fraction(sum(row[place] for row in rows if row[0] == name and start <= row[1] <= period.end))

    traders = [Trader("s", name, total(paid, 2, name), total(sales, 3, name)) for name in names]
    return {key: row["abc_class"] for key, row in judged(traders, RULES).items() if row["abc_class"]}


def _history(
    engine: Backend,
    names: Sequence[str],
    sales: Sequence[Event],
    paid: Sequence[tuple[str, date, int]],
    periods: Sequence[Period],
) -> list[dict[str, Any]]:
    population, in_periods, received = _traded(names, sales, paid, periods)
    values = values_of_traders(population, in_periods, received, _no_brand(), RULES)
    classes = engine.create_table("classes_of_periods", _judged(values), temp=True, overwrite=True)
    classes = classes.filter(classes["is_ranked"])
    classes = classes.mutate(abc_rank=classes["value_rank"], abc_score=classes["percentile_rank"])
    found: list[dict[str, Any]] = fetch(engine, class_history(classes, periods, RULES)).to_pylist()
    return found


def _judged(values: ir.Table) -> ir.Table:
    return with_combined_class(combined_scores(values, indicator_ranks(values, RULES), RULES), RULES)


def _traded(
    names: Sequence[str],
    sales: Sequence[Event],
    paid: Sequence[tuple[str, date, int]],
    periods: Sequence[Period],
) -> tuple[ir.Table, ir.Table, ir.Table]:
    bounds = bounds_of(with_twelve_months(periods))
    lines = sales_by_slice(_lines(sales), RULES, bounds)
    receipts = collections_by_slice(_events(paid), bounds)
    population = scored_customers(_customers(names), lines, _first_receipts(paid))
    return population, sales_in_periods(lines, periods, bounds), collections_in_periods(receipts, periods, bounds)


def _keys(names: Sequence[str]) -> dict[str, pa.Array]:
    return {
        "source": pa.array(["s"] * len(names), pa.string()),
        "company_id": pa.array(["main"] * len(names), pa.string()),
        "customer_id": pa.array(names, pa.string()),
    }


def _customers(names: Sequence[str]) -> ir.Table:
    about = {
        "customer_name": pa.array(names, pa.string()),
        "is_internal": pa.array([False] * len(names)),
        "scored_customer_id": pa.array(names, pa.string()),
    }
    return ibis.memtable(pa.table(_keys(names) | about))


def _lines(sales: Sequence[Event]) -> ir.Table:
    columns = {
        "tax_basis": pa.array(["net"] * len(sales), pa.string()),
        "document_date": pa.array([day for _, day, _, _ in sales], pa.date32()),
        "line_kind": pa.nulls(len(sales), pa.string()),
        "amount": pa.array([Decimal(amount) for _, _, amount, _ in sales], MONEY),
        "gross_profit": pa.array([Decimal(profit) for *_, profit in sales], MONEY),
    }
    return ibis.memtable(pa.table(_keys([name for name, *_ in sales]) | columns))


def _events(paid: Sequence[tuple[str, date, int]]) -> ir.Table:
    columns = {
        "collected_date": pa.array([day for _, day, _ in paid], pa.date32()),
        "collected": pa.array([Decimal(amount) for *_, amount in paid], MONEY),
    }
    return ibis.memtable(pa.table(_keys([name for name, *_ in paid]) | columns))


def _first_receipts(paid: Sequence[tuple[str, date, int]]) -> ir.Table:
    days = [min(day for _, day, _ in paid)] if paid else []
    columns = {name: pa.array([word] * len(days), pa.string()) for name, word in
               (("source", "s"), ("company_id", "main"))}  # fmt: skip
    return ibis.memtable(pa.table(columns | {"first_received_date": pa.array(days, pa.date32())}))


def _no_brand() -> ir.Table:
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("source", "company_id", "customer_id", "tax_basis")),
            ("period_end_date", pa.date32()),
            ("brand_share", pa.decimal128(18, 6)),
            ("brand_share_source", pa.string()),
        ]
    )
    return ibis.memtable(schema.empty_table())


def _classes_table(rows: Sequence[tuple[str, int, str]], periods: Sequence[Period]) -> ir.Table:
    columns = {
        "tax_basis": pa.array(["net"] * len(rows), pa.string()),
        "period_type": pa.array([MONTH] * len(rows), pa.string()),
        "period_age": pa.array([age for _, age, _ in rows], pa.int64()),
        "period_end_date": pa.array([periods[age].end for _, age, _ in rows], pa.date32()),
        "abc_class": pa.array([letter for *_, letter in rows], pa.string()),
        "abc_rank": pa.array([1] * len(rows), pa.int64()),
        "abc_score": pa.array([Decimal(1)] * len(rows), pa.decimal128(18, 6)),
    }
    return ibis.memtable(pa.table(_keys([name for name, *_ in rows]) | columns))

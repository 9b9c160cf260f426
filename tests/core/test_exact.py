"""Exact arithmetic: rounding and ratios to the last digit, and nobody else computes with decimals."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest
from conformed_world import NIGHT, World, backend, line
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kehu.schemas import tables
from kehu.schemas.model import Table
from kehu.tasks import abc, abc_periods, abc_values, brand_share, concentration, core, dim_customer, exact, receipts
from kehu.tasks.abc_rules import AbcRules
from kehu.tasks.build import fetch

MILLIONTH = Decimal("0.000001")


def _table(**columns: Sequence[Decimal | None]) -> ir.Table:
    return ibis.memtable(
        pa.table({name: pa.array(values, pa.decimal128(18, 6)) for name, values in columns.items()}).append_column(
            "n", pa.array(range(len(next(iter(columns.values())))))
        )
    )


def _column(expression: ir.Table, name: str) -> list[Decimal | None]:
    found: list[Decimal | None] = fetch(backend(), expression.order_by("n"))[name].to_pylist()
    return found


def test_cents_are_rounded_half_to_even() -> None:
    texts = ["0.005", "0.015", "0.025", "-0.005", "-0.015", "0.004999", "0.005001", "2.675", "-2.685", "0", "1.999999"]
    rows = _table(v=[Decimal(text) for text in texts])
    found = _column(rows.mutate(c=exact.half_even(rows["v"], 2)), "c")
    assert found == [Decimal(text).quantize(Decimal("0.01"), ROUND_HALF_EVEN) for text in texts]
    assert [str(value) for value in found[:5]] == ["0.00", "0.02", "0.02", "0.00", "-0.02"]


_AMOUNTS = st.integers(-(10**17), 10**17).map(lambda millionths: Decimal(millionths).scaleb(-6))
_BASES = st.integers(1, 10**18 - 1).map(lambda millionths: Decimal(millionths).scaleb(-6))


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(_AMOUNTS, _BASES, _BASES), min_size=1, max_size=200))
def test_rounding_ratios_and_products_are_right_to_the_last_digit(
    drawn: list[tuple[Decimal, Decimal, Decimal]],
) -> None:
    drawn = [(a, b, rate / 10**9) for a, b, rate in drawn if abs(Fraction(a) / Fraction(b)) < 10**8]
    rows = [(a, b, rate.quantize(MILLIONTH)) for a, b, rate in drawn] or [(Decimal(1), Decimal(3), Decimal(2))]
    table = _table(a=[a for a, _, _ in rows], b=[b for _, b, _ in rows], rate=[rate for _, _, rate in rows])
    found = fetch(
        backend(),
        table.mutate(
            cents=exact.half_even(table["a"], 2),
            ratio=exact.ratio(table["a"], table["b"]),
            product=exact.product(table["a"], table["rate"]),
        ).order_by("n"),
    ).to_pylist()
    with localcontext() as context:
        context.prec = 60
        for (a, b, rate), row in zip(rows, found, strict=True):
            assert row["cents"] == a.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
            assert row["ratio"] == Decimal(round(Fraction(a) / Fraction(b) * 10**6)).scaleb(-6)
            assert row["product"] == a * rate


def test_a_ratio_without_a_positive_base_is_null() -> None:
    rows = _table(a=[Decimal(1)] * 3, b=[Decimal(0), Decimal(-2), None])
    assert _column(rows.mutate(r=exact.ratio(rows["a"], rows["b"])), "r") == [None, None, None]


def test_a_root_is_right_to_the_last_digit() -> None:
    pairs = [(0, 5), (2, 1), (1, 3), (49, 100), (10**30 + 1, 10**30), (5 * 10**34, 7 * 10**36), (10**16, 1)]
    pairs += [(-1, 1), (1, 0), (1, -4)]
    whole = {name: pa.array([pair[i] for pair in pairs], pa.decimal128(38, 0)) for i, name in enumerate("ab")}
    rows = ibis.memtable(pa.table({**whole, "n": range(len(pairs))}))
    found = _column(rows.mutate(r=exact.root_of_ratio(rows["a"], rows["b"])), "r")
    with localcontext() as context:
        context.prec = 60
        roots = [(Decimal(a) / Decimal(b)).sqrt() for a, b in pairs[:-3]]
        assert found == [root.quantize(MILLIONTH, ROUND_HALF_EVEN) for root in roots] + [None] * 3


def test_what_does_not_fit_is_an_error_and_no_wrong_number() -> None:
    rows = _table(a=[Decimal(10) ** 11])
    huge = exact.times(exact.times(rows["a"], 10**15), 10**15)
    with pytest.raises(duckdb.OutOfRangeException):
        fetch(backend(), rows.select(huge=huge))


def test_ibis_and_the_engine_agree_on_every_type_of_the_marts(world: World) -> None:
    """Where they differ, a cast to the believed type is left out and decimals are lost in silence."""
    world.sell(line("a", "1.005"), line("b", 2, currency="USD", cost_net=Decimal(1)))
    world.know({"customer_id": "a", "parent_customer_id": "b"})
    rates = (core.Rate("USD", NIGHT.replace(year=2020), None, Decimal("7.1")),)
    rules = core.SalesRules("invoice", "bill_to", "CNY", rates=rates)
    engine = backend()

    def rows(table: Table) -> ir.Table:
        return core.entity_as_of(engine, table, world.files, home=world.home, as_of=NIGHT, known_at=NIGHT)

    merges = core.merges_table({})
    documents = core.sales_documents(rows(tables.SALES_LINE), merges)
    customers = dim_customer.dim_customer(documents, rows(tables.CUSTOMER), merges, rules, as_of=NIGHT)
    facts = core.sales_facts(documents, customers, rules)
    abc_rules = AbcRules()
    periods = abc_periods.with_twelve_months(abc_periods.periods_until(NIGHT, abc_rules))
    bounds = abc_periods.bounds_of(periods)
    slices = abc_values.sales_by_slice(facts, abc_rules, bounds)
    receipt_rules = receipts.CollectionRules(("transfer",))
    events = receipts.collection_events(rows(tables.PAYMENT), customers, merges, rules, receipt_rules)
    paid = abc_values.collections_by_slice(events, bounds)
    paying = slices.group_by(["source", "company_id"]).aggregate(first_received_date=ibis.literal(NIGHT))
    population = abc_values.scored_customers(customers, slices, paying)
    sales = abc_values.sales_in_periods(slices, periods, bounds)
    received = abc_values.collections_in_periods(paid, periods, bounds)
    brand = brand_share.brand_shares(
        rows(tables.CHANNEL_REPORT), customers, merges, *[abc_values.sales_of_twelve_months(sales)] * 2,
        abc_periods.ends_table(periods), rules, report_months=12,
    )  # fmt: skip
    judged = abc_periods.judged_period(NIGHT, abc_rules)
    values = abc_values.values_of_all(population, sales, received, brand, abc_rules, judged)
    ranks = abc.indicator_ranks(values, abc_rules)
    combined = abc.combined_ranks(values, ranks, abc_rules)
    indicator = abc.abc_indicator(ranks, combined, abc_rules)
    summary = concentration.abc_summary(indicator, abc_rules)
    of_periods = abc_values.values_of_traders(population, sales, received, brand, abc_rules)
    made_of = (documents, customers, facts, slices, paid, sales, received, brand, values, ranks, combined, indicator,
               summary, of_periods)  # fmt: skip
    for n, expression in enumerate(made_of):
        engine.create_table(f"made{n}", expression, temp=True)
        made = {name: kind for name, kind, *_ in engine.con.sql(f"DESCRIBE made{n}").fetchall()}
        believed = {name: str(kind).upper().replace(" ", "").strip("!") for name, kind in expression.schema().items()}
        assert {name: kind for name, kind in made.items() if kind.startswith("DECIMAL")} == {
            name: kind for name, kind in believed.items() if kind.startswith("DECIMAL")
        }
        assert "DOUBLE" not in made.values()


TASKS = Path(exact.__file__).resolve().parent
FORBIDDEN_CALLS = {"sum", "mean", "var", "std", "cumsum", "cummean", "round", "median", "quantile", "corr", "cov"}


def _modules_of_expressions() -> list[Path]:
    return [
        path for path in sorted(TASKS.glob("*.py")) if "import ibis" in path.read_text() and path.name != "exact.py"
    ]


@pytest.mark.parametrize("path", _modules_of_expressions(), ids=lambda path: path.stem)
def test_nobody_else_divides_averages_or_casts_to_decimal(path: Path) -> None:
    """Sums of decimals, quotients, means and casts stand in `tasks/exact.py`; whole rows are counted anywhere."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        where = f"{path.name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv):
            found.append(f"{where} {ast.unparse(node)}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            is_cast = node.func.attr == "cast" and any(
                isinstance(word, ast.Constant) and str(word.value).lower().startswith(("decimal", "float"))
                for word in ast.walk(node)
            )
            if is_cast or node.func.attr in FORBIDDEN_CALLS:
                found.append(f"{where} {ast.unparse(node)}")
    assert found == []

"""Populations as tables, and what the expressions say of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from abc_reference import Customer
from ibis.backends.duckdb import Backend

from kehu.tasks.abc import abc_indicator, combined_ranks, indicator_ranks
from kehu.tasks.abc_rules import AbcRules
from kehu.tasks.build import composing, fetch, hold
from kehu.tasks.concentration import abc_summary

AS_OF = date(2024, 6, 30)
RULES = AbcRules()

Cases = Mapping[str, Sequence[Customer]]
Verdicts = dict[tuple[str, str], dict[str, Any]]


def of(*values: object) -> list[Customer]:
    """Customers c0001, c0002, … with these values."""
    return [Customer("s", f"c{n:04}", Fraction(str(value))) for n, value in enumerate(values, start=1)]


def classed_by_kehu(engine: Backend, cases: Cases, rules: AbcRules = RULES) -> dict[str, Verdicts]:
    """The rows of `mart_abc_indicator` for sales, by case and (source, customer)."""
    with _indicator(engine, cases, rules) as indicator:
        return _verdicts(engine, cases, indicator)


def summed_by_kehu(engine: Backend, cases: Cases, rules: AbcRules = RULES) -> dict[str, dict[str, Any]]:
    """The rows of `mart_abc_summary` for sales, by case."""
    with _indicator(engine, cases, rules) as indicator:
        return _summaries(engine, indicator, rules)


def judged_by_kehu(
    engine: Backend, cases: Cases, rules: AbcRules
) -> tuple[dict[str, Verdicts], dict[str, dict[str, Any]]]:
    """Both of them."""
    with _indicator(engine, cases, rules) as indicator:
        return _verdicts(engine, cases, indicator), _summaries(engine, indicator, rules)


@contextmanager
def _indicator(engine: Backend, cases: Cases, rules: AbcRules) -> Iterator[ir.Table]:
    """`abc_indicator`, step by step as in a night."""
    with composing(), ExitStack() as held:
        values = held.enter_context(hold(engine, "case_values", _values(cases)))
        ranks = held.enter_context(hold(engine, "case_ranks", indicator_ranks(values, rules)))
        combined = held.enter_context(hold(engine, "case_combined", combined_ranks(values, ranks, rules)))
        yield held.enter_context(hold(engine, "case_indicator", abc_indicator(ranks, combined, rules)))


def _verdicts(engine: Backend, cases: Cases, indicator: ir.Table) -> dict[str, Verdicts]:
    found: dict[str, Verdicts] = {case: {} for case in cases}
    for row in fetch(engine, indicator.filter(indicator["indicator"] == "sales")).to_pylist():
        found[row["tax_basis"]][(row["source"], row["customer_id"])] = row
    return found


def _summaries(engine: Backend, indicator: ir.Table, rules: AbcRules) -> dict[str, dict[str, Any]]:
    rows = fetch(engine, abc_summary(indicator, rules)).to_pylist()
    return {row["tax_basis"]: row for row in rows if row["indicator"] == "sales"}


def letters(rows: Verdicts, column: str) -> str:
    """The classes in the order of the customers' codes."""
    return "".join(rows[key][column] or "-" for key in sorted(rows))


def _values(cases: Cases) -> ir.Table:
    """Several populations side by side: ranking keeps tax bases apart, so that each case takes the place of one."""
    rows = [(case, customer) for case, customers in cases.items() for customer in customers]
    money = pa.decimal128(38, 6)
    return ibis.memtable(
        pa.table(
            {
                "source": pa.array([customer.source for _, customer in rows], pa.string()),
                "company_id": pa.array(["main"] * len(rows), pa.string()),
                "customer_id": pa.array([customer.customer_id for _, customer in rows], pa.string()),
                "is_internal": pa.array([customer.is_internal for _, customer in rows], pa.bool_()),
                "tax_basis": pa.array([case for case, _ in rows], pa.string()),
                "sales": pa.array([_amount(customer.value) for _, customer in rows], money),
                "gross_profit": pa.nulls(len(rows), money),
                "collections": pa.nulls(len(rows), money),
                "brand_share": pa.nulls(len(rows), money),
                "size_indicator": pa.array(["sales"] * len(rows), pa.string()),
                "period_type": pa.array(["rolling"] * len(rows), pa.string()),
                "period_age": pa.array([0] * len(rows), pa.int64()),
                "period_start_date": pa.nulls(len(rows), pa.date32()),
                "period_end_date": pa.array([AS_OF] * len(rows), pa.date32()),
            }
        )
    )


def _amount(value: Fraction | None) -> Decimal | None:
    if value is None:
        return None
    millionths = value * 10**6
    assert millionths.denominator == 1, f"{value} has more than six decimals"
    return Decimal(millionths.numerator).scaleb(-6)

"""Brand share: measured from the customer's figures, estimated from his purchases, or missing (ABC-3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest
from conformed_world import NIGHT, Row, World, backend, line, rows_of

from kehu.schemas.rendering import arrow_schema
from kehu.schemas.tables import CHANNEL_REPORT, DIM_CUSTOMER
from kehu.tasks import exact
from kehu.tasks.brand_share import brand_shares
from kehu.tasks.core import Rate, SalesRules, merges_table

ENGINE = backend()
SPRING = date(2024, 3, 31)
_NAMES = {
    "revenue": "resale_revenue_net", "cost": "resale_cost_net", "profit": "customer_gross_profit_net",
    "purchases": "category_purchases_net",
}  # fmt: skip


def report(customer: str = "a", day: date = SPRING, currency: str | None = "CNY", **figures: object) -> dict[str, Any]:
    """A customer's own figures: revenue, cost, profit, purchases; what is left out is null."""
    amounts = {_NAMES[name]: Decimal(str(value)) for name, value in figures.items()}
    return {"customer_id": customer, "report_date": day, "currency": currency, **amounts}


def sold(customer: str, amount: object, end: date = NIGHT, basis: str = "net") -> tuple[Any, ...]:
    """Our sales of twelve months up to an end."""
    return (customer, basis, end, None if amount is None else Decimal(str(amount)))


def _shares(
    reports: Sequence[Row],
    sales: Sequence[tuple[Any, ...]] = (),
    *,
    ends: Sequence[date] = (NIGHT,),
    heads: dict[str, str] | None = None,
    merged: dict[str, str] | None = None,
    rates: tuple[Rate, ...] = (),
    account_sales: Sequence[tuple[Any, ...]] = (),
) -> dict[Any, tuple[str, str]]:
    """Share and its source by customer, and by what else is asked for: basis where not net, end where several."""
    origin = {"source": "erp", "company_id": "main"}
    figures = pa.Table.from_pylist([{**origin, **row} for row in reports], schema=_nullable(CHANNEL_REPORT))
    codes = {"source": pa.string(), "company_id": pa.string(), "customer_id": pa.string()}
    customers = _rows(
        [(*origin.values(), *pair) for pair in (heads or {}).items()], {**codes, "scored_customer_id": pa.string()}
    )
    types = {**codes, "tax_basis": pa.string(), "period_end_date": pa.date32(), "sales": pa.decimal128(38, 6)}
    known, of_accounts = (
        _rows([(*origin.values(), *row) for row in rows], types).rename(sales_twelve_months="sales")
        for rows in (sales, account_sales)
    )
    found = brand_shares(
        ibis.memtable(figures), customers, merges_table({("erp", "main", a): b for a, b in (merged or {}).items()}),
        known, of_accounts, _rows([(end,) for end in ends], {"period_end_date": pa.date32()}),
        SalesRules("invoice", "group", "CNY", rates=rates), report_months=12,
    )  # fmt: skip
    assert found["brand_share"].type() == ibis.dtype("decimal(18, 6)")
    told = {}
    for row in ENGINE.to_pyarrow(found).to_pylist():
        basis = () if row["tax_basis"] == "net" else (row["tax_basis"],)
        end = () if len(ends) == 1 else (row["period_end_date"],)
        key = (row["customer_id"], *basis, *end)
        told[key if len(key) > 1 else key[0]] = (str(row["brand_share"]), row["brand_share_source"])
    return told


def _nullable(table: Any) -> pa.Schema:
    return pa.schema([column.with_nullable(True) for column in arrow_schema(table)])


def _rows(rows: Sequence[tuple[Any, ...]], types: dict[str, Any]) -> ir.Table:
    return ibis.memtable(
        pa.table({name: pa.array([row[n] for row in rows], type_) for n, (name, type_) in enumerate(types.items())})
    )


MEASURED = {"revenue": 120, "cost": 90, "profit": 200}
"""We earn the customer 30 of his 200: 15 %."""


def test_measured_goes_before_the_proxy_and_neither_is_no_row() -> None:
    reports = [
        report("both", **MEASURED, purchases=400),
        report("proxy", purchases=400),
        # One of the three is open, so the share cannot be measured.
        report("revenue open", cost=90, profit=200, purchases=400),
        report("cost open", revenue=120, profit=200, purchases=400),
        report("profit open", revenue=120, cost=90, purchases=400),
        # A loss, or nothing, is no whole to take a share of.
        report("no profit", revenue=120, cost=90, profit=0, purchases=400),
        report("loss", revenue=120, cost=90, profit=-5, purchases=400),
        report("nothing bought", purchases=0),
        report("loss alone", revenue=120, cost=90, profit=-5),
    ]
    sales = [sold(row["customer_id"], 100) for row in reports]
    proxy = ("0.250000", "proxy")
    assert _shares(reports, [*sales, sold("no report", 100)]) == {
        "both": ("0.150000", "measured"), "proxy": proxy, "revenue open": proxy, "cost open": proxy,
        "profit open": proxy, "no profit": proxy, "loss": proxy,
    }  # fmt: skip


def test_shares_below_zero_and_above_one_stand_as_they_are() -> None:
    reports = [
        report("at a loss", revenue=90, cost=120, profit=200),
        report("more returned than bought", purchases=400),
        report("figures contradict ours", purchases=400),
        report("thirds", revenue=2, cost=0, profit=3),
    ]
    sales = [sold("more returned than bought", -10), sold("figures contradict ours", 500)]
    assert _shares(reports, sales) == {
        "at a loss": ("-0.150000", "measured"), "more returned than bought": ("-0.025000", "proxy"),
        "figures contradict ours": ("1.250000", "proxy"), "thirds": ("0.666667", "measured"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("end", "too_old", "first"),
    [
        (date(2024, 6, 30), date(2023, 6, 30), date(2023, 7, 1)),
        (date(2024, 6, 15), date(2023, 6, 15), date(2023, 6, 16)),
        # As the windows do: from the end of a month to the end of one.
        (date(2025, 2, 28), date(2024, 2, 29), date(2024, 3, 1)),
        (date(2024, 2, 29), date(2023, 2, 28), date(2023, 3, 1)),
    ],
)
def test_a_report_holds_for_its_months_and_not_before_its_day(end: date, too_old: date, first: date) -> None:
    days = {"too old": too_old, "first": first, "last": end, "later": date(2025, 3, 1)}
    found = _shares([report(name, day, **MEASURED) for name, day in days.items()], ends=[end])
    assert sorted(found) == ["first", "last"]


def test_each_end_has_the_newest_report_of_its_day() -> None:
    reports = [
        report("a", date(2024, 1, 10), revenue=20, cost=0, profit=100),
        report("a", date(2024, 3, 10), revenue=40, cost=0, profit=100),
        # The newest says nothing of profit; the one before is not asked again.
        report("a", date(2024, 5, 10), purchases=1000),
    ]
    ends = [date(2023, 12, 31), date(2024, 2, 29), date(2024, 3, 31), NIGHT]
    sales = [sold("a", 100, date(2024, 3, 31)), sold("a", 700, NIGHT)]
    assert _shares(reports, sales, ends=ends) == {
        ("a", ends[1]): ("0.200000", "measured"), ("a", ends[2]): ("0.400000", "measured"),
        ("a", ends[3]): ("0.700000", "proxy"),
    }  # fmt: skip


def test_the_accounts_of_a_party_add_up() -> None:
    """North 30 of 200, south 60 of 100: 90 of 300. East leaves its cost open and is in neither sum."""
    reports = [
        report("north", **MEASURED, purchases=300),
        report("south", revenue=60, cost=0, profit=100, purchases=100),
        report("east", revenue=999, profit=999, purchases=100),
        report("west", day=date(2024, 1, 1), purchases=100),
        report("other", revenue=1, cost=0, profit=4),
    ]
    heads = {"north": "head", "south": "head", "east": "head"}
    assert _shares(reports, heads=heads) == {
        "head": ("0.300000", "measured"), "other": ("0.250000", "measured"), "west": ("0.000000", "proxy"),
    }  # fmt: skip
    purchases = [report(name, purchases=amount) for name, amount in (("north", 300), ("south", 100))]
    bought = [sold("north", 40), sold("south", 60), sold("east", 500)]
    found = _shares(purchases, [sold("head", 600)], heads=heads, account_sales=bought)
    assert found == {"head": ("0.250000", "proxy")}  # east said nothing: its 500 are in neither sum


def test_of_merged_codes_the_newest_report_counts_and_on_one_day_the_code_that_remains() -> None:
    merged = {"zold": "new", "old": "new"}
    older = [report("new", date(2024, 1, 1), **MEASURED), report("old", revenue=1, cost=0, profit=2)]
    assert _shares(older, merged=merged) == {"new": ("0.500000", "measured")}
    alike = [report(code, revenue=n, cost=0, profit=10) for n, code in enumerate(("old", "new", "zold"), start=1)]
    assert _shares(alike, merged=merged) == {"new": ("0.200000", "measured")}
    assert _shares([alike[2], alike[0]], merged=merged) == {"new": ("0.100000", "measured")}


def test_foreign_figures_are_converted_at_the_rate_of_the_report() -> None:
    rates = (
        Rate("USD", date(2024, 1, 1), date(2024, 3, 1), Decimal(8)),
        Rate("USD", date(2024, 3, 1), None, Decimal(10)),
    )
    reports = [report("a", currency="USD", purchases=40), report("none", currency=None, purchases=40)]
    reports += [report("no rate", currency="JPY", purchases=40, **MEASURED)]
    reports += [report("then", date(2024, 2, 1), currency="USD", purchases=40)]
    sales = [sold(row["customer_id"], 100) for row in reports]
    assert _shares(reports, sales, rates=rates) == {
        "a": ("0.250000", "proxy"), "none": ("2.500000", "proxy"), "then": ("0.312500", "proxy"),
    }  # fmt: skip
    # A party with accounts in two currencies: 30 and 3 dollars of 200 and 20.
    party = [report("a", **MEASURED), report("b", currency="USD", revenue=12, cost=9, profit=20)]
    assert _shares(party, heads={"a": "h", "b": "h"}, rates=rates) == {"h": ("0.150000", "measured")}


def test_sales_of_unknown_tax_give_no_proxy() -> None:
    """Purchases exclude tax; what may include it is not held against them (R11)."""
    reports = [report("a", purchases=400), report("b", **MEASURED)]
    sales = [sold("a", 100), sold("a", 100, basis="unknown")]
    assert _shares(reports, sales) == {
        "a": ("0.250000", "proxy"), "b": ("0.150000", "measured"), ("b", "unknown"): ("0.150000", "measured"),
    }  # fmt: skip


def test_no_sales_are_a_share_of_nothing_and_unknown_sales_are_none() -> None:
    reports = [report("a", purchases=400), report("b", purchases=400)]
    assert _shares(reports, [sold("b", None)]) == {"a": ("0.000000", "proxy")}
    assert _shares([], [sold("a", 1)]) == {}


def test_reports_of_a_run(world: World) -> None:
    """With the entity, the customers and the sales that core gives: later reports are not known yet."""
    world.know({"customer_id": "branch", "parent_customer_id": "head"})
    world.sell(line("branch", 60), line("head", 40))
    reports = [report("branch", purchases=500), report("branch", date(2024, 7, 1), purchases=1)]
    world.deliver(CHANNEL_REPORT, reports, date(2024, 7, 1))
    with world.facts(NIGHT, date(2024, 7, 1), party__scored="group") as facts:
        lines = facts.sales()

        def summed(rows: ir.Table) -> ir.Table:
            by_party = rows.group_by(["source", "company_id", "customer_id", "tax_basis"])
            sums = by_party.aggregate(sales_twelve_months=exact.total(rows["amount"]))
            return sums.mutate(period_end_date=ibis.literal(NIGHT))

        found = brand_shares(
            facts.entity(CHANNEL_REPORT), facts.mart(DIM_CUSTOMER), facts.merges(), summed(lines),
            summed(lines.mutate(customer_id=lines["account_customer_id"])),
            _rows([(NIGHT,)], {"period_end_date": pa.date32()}), facts.sales_rules, report_months=12,
        )  # fmt: skip
        told = [(row["customer_id"], row["brand_share"]) for row in rows_of(facts, found)]
    assert told == [("head", Decimal("0.12"))]

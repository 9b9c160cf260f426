"""What each customer traded in each period: the values the ABC classes are made from.

May import: `config`, `schemas`, `tasks.abc_periods`, `tasks.abc_rules`, `tasks.exact`. Tables in, table out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir

from kehu.schemas import codes
from kehu.schemas import fields as f
from kehu.tasks import exact
from kehu.tasks.abc_periods import PERIOD_COLUMNS, TWELVE_MONTHS, Period, slice_of, with_periods
from kehu.tasks.abc_rules import AbcRules

KEYS = (f.source.name, f.company_id.name)
CUSTOMER = (*KEYS, f.customer_id.name)
_PARTY = (*CUSTOMER, f.tax_basis.name)
_SLICE = "slice"
_TRADE = ("sales_lines", "sales", "non_goods", "gross_profit", "lines_without_cost")


# --- by slice ---------------------------------------------------------------------------------------------------------


def sales_by_slice(facts: ir.Table, rules: AbcRules, bounds: Sequence[date]) -> ir.Table:
    """Each scored customer's sales and gross profit in each slice of time.

    Units and shape: one row per source, company, customer, tax basis and slice with any line; `sales`, `non_goods`,
    `gross_profit` DECIMAL(38, 6) in the reporting currency over the lines whose kind counts, null if none of these has
    a value; `sales_lines`, `lines_without_cost` count them.

    Policy: `abc.line_kinds_counted`.
    """
    kind = facts[f.line_kind.name].fill_null("goods")
    lines = facts.mutate(
        is_counted=kind.isin(sorted(rules.line_kinds_counted)),
        is_goods=kind.isin(list(codes.GOODS_KINDS)),
        **{_SLICE: slice_of(facts[f.document_date.name], bounds)},
    )
    counted, amount, profit = lines["is_counted"], lines["amount"], lines["gross_profit"]
    return lines.group_by([*_PARTY, _SLICE]).aggregate(
        sales_lines=lines.count(where=counted),
        sales=exact.total(amount, where=counted),
        non_goods=exact.total(amount, where=counted & ~lines["is_goods"]),
        gross_profit=exact.total(profit, where=counted),
        lines_without_cost=lines.count(where=counted & profit.isnull()),
    )


def collections_by_slice(events: ir.Table, bounds: Sequence[date]) -> ir.Table:
    """Each scored customer's collections in each slice: one row per source, company, customer and slice with an event;
    `collections` DECIMAL(38, 6), incl. tax, in the reporting currency.
    """
    dated = events.mutate(**{_SLICE: slice_of(events["collected_date"], bounds)})
    return dated.group_by([*CUSTOMER, _SLICE]).aggregate(collections=exact.total(dated["collected"]))


def sales_in_periods(by_slice: ir.Table, periods: Sequence[Period], bounds: Sequence[date]) -> ir.Table:
    """Slices added up to periods: one row per customer, tax basis and period with a line in it."""
    joined = with_periods(by_slice, periods, bounds)
    return joined.group_by([*_PARTY, *PERIOD_COLUMNS]).aggregate(
        sales_lines=exact.total(joined["sales_lines"]).cast("int64"),
        sales=exact.total(joined["sales"]),
        non_goods=exact.total(joined["non_goods"]),
        gross_profit=exact.total(joined["gross_profit"]),
        lines_without_cost=exact.total(joined["lines_without_cost"]).cast("int64"),
    )


def collections_in_periods(by_slice: ir.Table, periods: Sequence[Period], bounds: Sequence[date]) -> ir.Table:
    """Slices added up to periods: one row per customer and period with an event in it."""
    joined = with_periods(by_slice, periods, bounds)
    return joined.group_by([*CUSTOMER, *PERIOD_COLUMNS]).aggregate(collections=exact.total(joined["collections"]))


def sales_of_twelve_months(sales: ir.Table) -> ir.Table:
    """Of `sales_in_periods` over `with_twelve_months`: the sales of the twelve months up to each period's end, as
    `tasks.brand_share` takes them.
    """
    yearly = sales.filter(sales["period_type"] == TWELVE_MONTHS)
    return yearly.select(*_PARTY, "period_end_date", sales_twelve_months=yearly["sales"])


# --- who is judged ----------------------------------------------------------------------------------------------------


def scored_customers(customers: ir.Table, sales: ir.Table, receipts: ir.Table) -> ir.Table:
    """The population: every customer who is scored, once per tax basis in which it has sales lines.

    Args:
        customers: rows of `dim_customer`.
        sales: `sales_by_slice`: customers and tax bases of all lines up to as_of.
        receipts: `Facts.first_receipts`: a source and company without a row delivers no receipts.

    Shape: one row per source, company, scored customer and tax basis, with `customer_name`, `is_internal`,
    `member_customers`, `first_received_date` of its company and `states_cost` (any line of the company in that basis
    has a gross profit). A customer without any line stands in the basis of its company: net where there are net lines
    or none, else unknown. Customers scored under their head office stand under that.
    """
    scored = customers.mutate(customer_id=customers[f.scored_customer_id.name])
    heads = scored.group_by(list(CUSTOMER)).aggregate(member_customers=scored.count())
    about = customers.select(*CUSTOMER, f.customer_name.name, f.is_internal.name)
    party = heads.left_join(about, CUSTOMER, rname="about_{name}")
    party = party.select(*CUSTOMER, f.customer_name.name, f.is_internal.name, "member_customers")
    own = sales.select(*_PARTY).distinct()
    usual = own.group_by(list(KEYS)).aggregate(usual_basis=own[f.tax_basis.name].min())  # net comes before unknown
    joined = party.left_join(own, CUSTOMER, rname="own_{name}").left_join(usual, KEYS, rname="usual_{name}")
    joined = joined.left_join(receipts, KEYS, rname="paying_{name}")
    plain = (f.customer_name.name, "member_customers", "first_received_date", f.is_internal.name, f.tax_basis.name)
    rows = joined.select(*CUSTOMER, *plain, "usual_basis")
    rows = rows.select(
        *CUSTOMER,
        *plain[:3],
        is_internal=rows[f.is_internal.name].fill_null(False),
        tax_basis=ibis.coalesce(rows[f.tax_basis.name], rows["usual_basis"], "net"),
    )
    of_company = [*KEYS, f.tax_basis.name]
    costed = sales.group_by(of_company).aggregate(states_cost=sales["gross_profit"].notnull().any())
    joined = rows.left_join(costed, of_company, rname="costed_{name}")
    return joined.select(*rows.columns, states_cost=joined["states_cost"].fill_null(False))


# --- values -----------------------------------------------------------------------------------------------------------


def values_of_all(
    population: ir.Table, sales: ir.Table, collections: ir.Table, brand: ir.Table, rules: AbcRules, period: Period
) -> ir.Table:
    """The whole population in one period, customers without trade included.

    Args:
        population: `scored_customers`.
        sales: `sales_in_periods` with the period among its periods.
        collections: `collections_in_periods`, likewise.
        brand: `brand_shares` of `tasks.brand_share` with the period's end among its ends.
        rules: policy values.
        period: the period.

    Shape: one row per customer and tax basis: the population's columns, the period's, `sales_lines`, `sales`,
    `non_goods`, `gross_profit`, `lines_without_cost`, `collections`, `brand_share`, `brand_share_source`,
    `size_indicator`.

    Edges: no line: zero sales and gross profit (null where the company states no cost at all); no receipt: zero
    collections, null where the source delivers none up to the period's end — its size is then measured by sales; the
    brand share is looked at only where there is trade in the period.
    """
    is_it = {"period_type": period.period_type, "period_age": period.age}
    sales, collections = (
        table.filter(table["period_type"] == is_it["period_type"], table["period_age"] == is_it["period_age"])
        for table in (sales, collections)
    )
    columns = {
        "period_type": ibis.literal(period.period_type),
        "period_age": ibis.literal(period.age, "int64"),
        "period_start_date": ibis.null("date") if period.start is None else ibis.literal(period.start),
        "period_end_date": ibis.literal(period.end),
    }
    keys = population.mutate(**columns)
    return _with_values(keys, sales, collections, brand, rules)


def values_of_traders(
    population: ir.Table, sales: ir.Table, collections: ir.Table, brand: ir.Table, rules: AbcRules
) -> ir.Table:
    """The same over all periods, for the customers who traded in them: nobody else can be ranked.

    Shape: one row per customer, tax basis and period with a sales line or a receipt in it.
    """
    bought = sales.select(*_PARTY, *PERIOD_COLUMNS)
    paid = collections.join(population.select(*_PARTY), CUSTOMER).select(*_PARTY, *PERIOD_COLUMNS)
    traded = ibis.union(bought, paid, distinct=True)
    traded = traded.filter(traded["period_type"] != TWELVE_MONTHS)
    keys = traded.join(population, list(_PARTY)).select(*population.columns, *PERIOD_COLUMNS)
    return _with_values(keys, sales, collections, brand, rules)


def _with_values(keys: ir.Table, sales: ir.Table, collections: ir.Table, brand: ir.Table, rules: AbcRules) -> ir.Table:
    one_period = ("period_type", "period_age")
    traded = sales.select(*_PARTY, *one_period, *_TRADE)
    rows = keys.left_join(traded, [*_PARTY, *one_period], rname="sales_{name}")
    rows = rows.select(*keys.columns, *_TRADE)
    received = collections.select(*CUSTOMER, *one_period, "collections")
    rows = rows.left_join(received, [*CUSTOMER, *one_period], rname="paid_{name}").select(*rows.columns, "collections")
    shares = brand.select(*_PARTY, "period_end_date", "brand_share", "brand_share_source")
    rows = rows.left_join(shares, [*_PARTY, "period_end_date"], rname="brand_{name}")
    rows = rows.select(*keys.columns, *_TRADE, "collections", "brand_share", "brand_share_source")
    return _filled(rows, rules)


def _filled(rows: ir.Table, rules: AbcRules) -> ir.Table:
    none = exact.zero(6)
    lines = rows["sales_lines"].fill_null(0)
    has_traded = (lines > 0) | rows["collections"].notnull()
    share = ibis.ifelse(has_traded, exact.widened(rows["brand_share"]), ibis.null("decimal(38, 6)"))
    has_receipts = (rows["first_received_date"] <= rows["period_end_date"]).fill_null(False)
    by_collections = has_receipts if rules.size_by == "collections" else ibis.literal(False)
    return rows.mutate(
        sales_lines=lines,
        sales=ibis.ifelse(lines > 0, rows["sales"], none),
        non_goods=rows["non_goods"].fill_null(none),
        gross_profit=ibis.cases((lines > 0, rows["gross_profit"]), (rows["states_cost"], none)),
        lines_without_cost=rows["lines_without_cost"].fill_null(0),
        has_collections=has_receipts,
        collections=ibis.ifelse(has_receipts, rows["collections"].fill_null(none), ibis.null("decimal(38, 6)")),
        brand_share=share,
        brand_share_source=ibis.ifelse(share.isnull(), "missing", rows["brand_share_source"]),
        size_indicator=ibis.ifelse(by_collections, "collections", "sales"),
    )

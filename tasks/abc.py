"""ABC customer analysis (ABC-4, R3, R18): the value of each customer in the window, its rank, shares and class.

May import: `config`, `schemas`, `tasks.exact`, `tasks.facts`. Tables in, table out. Every cut is decided by
cross-multiplication of exact sums; published shares are only what a reader sees of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

import ibis
import ibis.expr.types as ir

from kehu.config.policy import Policy
from kehu.schemas import codes, tables
from kehu.schemas import fields as f
from kehu.tasks import exact
from kehu.tasks.facts import Facts, Mart, NothingToScore

GOODS_KINDS = ("goods", "service")
"""Line kinds that are goods; a line without kind is goods. The rest is published as `non_goods` (R24)."""

INDICATORS = tuple(code.code for code in codes.INDICATOR.good)
CUT_RULES = ("midpoint", "crossing_down", "crossing_up")

_KEYS = (f.source.name, f.company_id.name)
_CUSTOMER = (*_KEYS, f.customer_id.name)
_RANKED = ("indicator", "tax_basis")
_VALUE = "exact_value"

Window = int | Literal["all"]


@dataclass(frozen=True)
class AbcRules:
    """The policy values ABC reads.

    Attributes:
        quota_shares: shares of customers in A, B, C; they add up to 1 (`abc.quota_shares`).
        cumulative_cuts: cumulative shares of value at which A and B end (`abc.cumulative_cuts`).
        cut_rule: which share of a customer is held against the cuts (`abc.cut_rule`).
        method: `quota` or `cumulative`: which class is published as the class (`abc.method`).
        window: months up to as_of, or `all` (`abc.window`).
        line_kinds_counted: line kinds that count, a line without kind being goods (`abc.line_kinds_counted`).
        concentration_top_1: share of the largest customer from which value is concentrated (`abc.concentration_top_1`).
        concentration_top_5: the same of the five largest (`abc.concentration_top_5`).
    """

    quota_shares: tuple[Decimal, ...] = (Decimal("0.2"), Decimal("0.4"), Decimal("0.4"))
    cumulative_cuts: tuple[Decimal, ...] = (Decimal("0.55"), Decimal("0.85"))
    cut_rule: str = "midpoint"
    method: str = "quota"
    window: Window = 12
    line_kinds_counted: tuple[str, ...] = codes.LINE_KIND.codes
    concentration_top_1: Decimal = Decimal("0.30")
    concentration_top_5: Decimal = Decimal("0.50")

    @classmethod
    def from_policy(cls, policy: Policy) -> AbcRules:
        """The rules in force.

        Raises:
            PolicyBlank: one of them is blank.
        """
        return cls(**{rule.name: policy.value(f"abc.{rule.name}") for rule in fields(cls)})


def window_start(as_of: date, window: Window) -> date | None:
    """First day of the window that ends on `as_of`; None for all history.

    N months back lies the same day of the month, or the month's last day; from the last day of a month the window
    reaches back to the last day of a month, so that month-end windows are whole months. The window begins one day
    later.
    """
    if window == "all":
        return None
    months = as_of.year * 12 + as_of.month - 1 - window
    year, month = divmod(months, 12)
    last_of_month = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    is_month_end = (as_of + timedelta(days=1)).day == 1
    day = last_of_month if is_month_end else min(as_of.day, last_of_month)
    return date(year, month + 1, day) + timedelta(days=1)


def sales_in_window(facts: ir.Table, rules: AbcRules, *, as_of: date) -> ir.Table:
    """Each scored customer's sales and gross profit in the window.

    Units and shape: one row per source, company, customer and tax basis with any line up to as_of; `sales`,
    `non_goods`, `gross_profit` DECIMAL(38, 6) in the reporting currency, over the lines in the window whose kind
    counts; null if none of these has a value; `sales_lines`, `lines_without_cost` count them.

    Policy: `abc.window`, `abc.line_kinds_counted`.
    """
    day, kind = facts[f.document_date.name], facts[f.line_kind.name].fill_null("goods")
    is_counted = (day <= ibis.literal(as_of)) & kind.isin(sorted(rules.line_kinds_counted))
    start = window_start(as_of, rules.window)
    if start is not None:
        is_counted &= day >= ibis.literal(start)
    lines = facts.mutate(is_counted=is_counted, is_goods=kind.isin(list(GOODS_KINDS)))
    counted, amount, profit = lines["is_counted"], lines["amount"], lines["gross_profit"]
    return lines.group_by([*_CUSTOMER, f.tax_basis.name]).aggregate(
        sales_lines=lines.count(where=counted),
        sales=exact.total(amount, where=counted),
        non_goods=exact.total(amount, where=counted & ~lines["is_goods"]),
        gross_profit=exact.total(profit, where=counted),
        lines_without_cost=lines.count(where=counted & profit.isnull()),
    )


def scored_customers(customers: ir.Table, sales: ir.Table) -> ir.Table:
    """The population: every customer who is scored, once per tax basis in which its source and company have sales
    lines.

    Shape: one row per source, company, scored customer and tax basis, with `customer_name` and `is_internal`. A source
    without any sales line stands in basis net. Customers scored under their head office stand under that.
    """
    heads = customers.select(*_KEYS, customer_id=customers[f.scored_customer_id.name]).distinct()
    about = customers.select(*_CUSTOMER, f.customer_name.name, f.is_internal.name)
    party = heads.left_join(about, _CUSTOMER, rname="about_{name}").select(
        *_CUSTOMER, f.customer_name.name, f.is_internal.name
    )
    bases = sales.select(*_KEYS, f.tax_basis.name).distinct()
    columns = (*_CUSTOMER, f.customer_name.name, f.is_internal.name, f.tax_basis.name)
    joined = party.left_join(bases, _KEYS, rname="basis_{name}").select(*columns)
    return joined.mutate(
        is_internal=joined[f.is_internal.name].fill_null(False), tax_basis=joined[f.tax_basis.name].fill_null("net")
    )


def customer_values(population: ir.Table, sales: ir.Table) -> ir.Table:
    """The population with its sales in the window: customers without a line have zero sales and zero gross profit."""
    joined = population.left_join(sales, [*_CUSTOMER, f.tax_basis.name], rname="sales_{name}")
    lines = joined["sales_lines"].fill_null(0)
    none = exact.zero(6)
    return joined.select(
        *population.columns,
        sales_lines=lines,
        sales=ibis.ifelse(lines > 0, joined["sales"], none),
        non_goods=joined["non_goods"].fill_null(none),
        gross_profit=ibis.ifelse(lines > 0, joined["gross_profit"], none),
        lines_without_cost=joined["lines_without_cost"].fill_null(0),
    )


def abc_indicator(values: ir.Table, rules: AbcRules, *, as_of: date) -> ir.Table:
    """The working behind every class: value, rank, shares, and the class by either method.

    Rule: ranked are customers with a value above zero, internal ones left out (R18). Sorted by value descending, ties
    by source, company, customer. Quota: the first places are A, the next B, the rest C, places by largest remainder
    of `abc.quota_shares` (see `_quota`). Cumulative: with S the sum before a customer, v his value and T the total,
    the share held against the cuts is (S + v/2) ÷ T (`midpoint`), (S + v) ÷ T (`crossing_down`) — A up to and
    including the first cut, B up to and including the second — or S ÷ T (`crossing_up`, A below the first cut, B
    below the second); the first customer is A under every rule.

    Units and shape: one row per customer, indicator and tax basis; columns of the contract `mart_abc_indicator` without
    `as_of` and `run_id`, the value exact (DECIMAL(38, 6)), and beside them what the summary needs.

    Edges: zero → `no_trade`, below zero → `negative`, no line with a value → `missing`, internal → `internal`: no
    class, rank or share. Ranked within one tax basis only (R11). `is_tie_at_cut`: an equal value stands in another
    class.

    Policy: `abc.quota_shares`, `abc.cumulative_cuts`, `abc.cut_rule`, `abc.method`.

    Source: ABC-4; rulings R3, R18; the published table of 销售与市场 1995 no. 2 (G1).
    """
    return _classed(_ranked(_by_indicator(values)), rules).mutate(
        window_start_date=_day(window_start(as_of, rules.window)), window_end_date=ibis.literal(as_of)
    )


def _by_indicator(values: ir.Table) -> ir.Table:
    parts = [
        values.select(
            *_CUSTOMER, f.tax_basis.name, f.is_internal.name, indicator=ibis.literal(name), **{_VALUE: values[name]}
        )
        for name in INDICATORS
    ]
    rows = ibis.union(*parts)
    value = rows[_VALUE]
    reason = ibis.cases(
        (rows[f.is_internal.name], "internal"),
        (value.isnull(), "missing"),
        (value == exact.zero(6), "no_trade"),
        (value < exact.zero(6), "negative"),
    )
    rows = rows.mutate(class_reason=reason)
    return rows.mutate(is_ranked=rows["class_reason"].isnull())


def _ranked(rows: ir.Table) -> ir.Table:
    """Rank, sum before, total and number of the ranked customers; null for the others."""
    peers = [*_RANKED, "is_ranked"]
    order = [rows[_VALUE].desc(), *(rows[key].asc() for key in _CUSTOMER)]
    in_order = ibis.window(group_by=peers, order_by=order)
    before = ibis.cumulative_window(group_by=peers, order_by=order)
    whole = ibis.window(group_by=peers)
    is_ranked = rows["is_ranked"]
    rows = rows.mutate(
        value_rank=ibis.ifelse(is_ranked, ibis.row_number().over(in_order) + 1, ibis.null("int64")),
        cumulative=ibis.ifelse(is_ranked, exact.total(rows[_VALUE]).over(before), ibis.null("decimal(38, 6)")),
        ranked_total=ibis.ifelse(is_ranked, exact.total(rows[_VALUE]).over(whole), ibis.null("decimal(38, 6)")),
        ranked_count=ibis.ifelse(is_ranked, rows.count().over(whole), ibis.null("int64")),
    )
    return rows.mutate(sum_before=rows["cumulative"] - rows[_VALUE])


def _classed(rows: ir.Table, rules: AbcRules) -> ir.Table:
    seats_a, seats_b = _quota(rows["ranked_count"], rules.quota_shares)
    by_rule = {f"class_{rule}": _class_by_cut(rows, rule, rules.cumulative_cuts) for rule in CUT_RULES}
    value, total, before = rows[_VALUE], rows["ranked_total"], rows["sum_before"]
    rows = rows.mutate(
        class_quota=ibis.cases(
            (rows["value_rank"] <= seats_a, "A"),
            (rows["value_rank"] <= seats_a + seats_b, "B"),
            (rows["is_ranked"], "C"),
        ),
        value_share=exact.ratio(value, total),
        cumulative_share=exact.ratio(before + value, total),
        midpoint_share=exact.ratio(exact.times(before, 2) + value, exact.times(total, 2)),
        **by_rule,
    )
    rows = rows.mutate(class_cumulative=rows[f"class_{rules.cut_rule}"])
    rows = rows.mutate(abc_class=rows[f"class_{rules.method}"])
    equals = ibis.window(group_by=[*_RANKED, "is_ranked", _VALUE])
    is_split = rows["abc_class"].min().over(equals) != rows["abc_class"].max().over(equals)
    return rows.mutate(is_tie_at_cut=is_split.fill_null(False), indicator_value=rows[_VALUE])


def _class_by_cut(rows: ir.Table, rule: str, cuts: tuple[Decimal, ...]) -> ir.StringValue:
    first, second = (_is_within(rows, rule, cut) for cut in cuts)
    is_first = rows["value_rank"] == 1
    return ibis.cases((is_first | first, "A"), (second, "B"), (rows["is_ranked"], "C"))


def _is_within(rows: ir.Table, rule: str, cut: Decimal) -> ir.BooleanValue:
    """Whether the customer's share, as the cut rule takes it, lies within the cut: no quotient is formed."""
    before, value, total = rows["sum_before"], rows[_VALUE], rows["ranked_total"]
    if rule == "midpoint":
        part, bound = exact.compare_share(exact.times(before, 2) + value, exact.times(total, 2), cut)
        return part <= bound
    if rule == "crossing_down":
        part, bound = exact.compare_share(before + value, total, cut)
        return part <= bound
    part, bound = exact.compare_share(before, total, cut)
    return part < bound


def _quota(count: ir.IntegerValue, shares: tuple[Decimal, ...]) -> tuple[ir.IntegerValue, ir.IntegerValue]:
    """Places in A and B among `count` customers.

    Largest remainder, equal remainders to the better class; if A gets none, one place moves to A from the larger of B
    and C, from C if they are equal.
    """
    parts, unit = exact.over_common_denominator(shares)
    floors, rests = zip(*(exact.divided(count * part, unit) for part in parts), strict=True)
    left = count - floors[0] - floors[1] - floors[2]
    # Of three remainders at most two places are left: a class gets one where fewer than `left` others go before it.
    ahead_of_a = _one(rests[1] > rests[0]) + _one(rests[2] > rests[0])
    ahead_of_b = _one(rests[0] >= rests[1]) + _one(rests[2] > rests[1])
    ahead_of_c = _one(rests[0] >= rests[2]) + _one(rests[1] >= rests[2])
    a, b, c = (
        floor + _one(ahead < left) for floor, ahead in zip(floors, (ahead_of_a, ahead_of_b, ahead_of_c), strict=True)
    )
    needs_one = (a == 0) & (count > 0)
    return ibis.ifelse(needs_one, 1, a), ibis.ifelse(needs_one & (b > c), b - 1, b)


def _one(condition: ir.BooleanValue) -> ir.IntegerValue:
    return ibis.ifelse(condition, 1, 0)


def _day(day: date | None) -> ir.DateScalar:
    return ibis.null("date") if day is None else ibis.literal(day)


def abc_customer(values: ir.Table, indicator: ir.Table, *, scored_party: str) -> ir.Table:
    """Each customer with sales, gross profit and the class by each: what most people read.

    Shape: one row per customer and tax basis; columns of the contract `mart_abc_customer` without `as_of` and `run_id`,
    money exact (DECIMAL(38, 6)).
    """
    keys = [*_CUSTOMER, f.tax_basis.name]
    columns: Mapping[str, tuple[str, ...]] = {
        "sales": ("abc_class", "class_reason", "window_start_date", "window_end_date"),
        "gross_profit": ("abc_class", "class_reason"),
    }
    rows = values
    for name, taken in columns.items():
        of_one = indicator.filter(indicator["indicator"] == name)
        of_one = of_one.select(*keys, **{f"{name}_{column}": of_one[column] for column in taken})
        rows = rows.left_join(of_one, keys, rname="again_{name}").drop(*(f"again_{key}" for key in keys))
    is_net = rows[f.tax_basis.name] == "net"
    nothing = ibis.null("decimal(38, 6)")
    return rows.select(
        *_CUSTOMER,
        f.customer_name.name,
        f.tax_basis.name,
        "sales_lines",
        "non_goods",
        "gross_profit",
        "lines_without_cost",
        scored_party=ibis.literal(scored_party),
        window_start_date=rows["sales_window_start_date"],
        window_end_date=rows["sales_window_end_date"],
        sales_net=ibis.ifelse(is_net, rows["sales"], nothing),
        sales_tax_unknown=ibis.ifelse(is_net, nothing, rows["sales"]),
        sales_class=rows["sales_abc_class"],
        sales_class_reason=rows["sales_class_reason"],
        gross_profit_class=rows["gross_profit_abc_class"],
        gross_profit_class_reason=rows["gross_profit_class_reason"],
    )


# --- the marts --------------------------------------------------------------------------------------------------------


def _values_of_facts(facts: Facts) -> ir.Table:
    """The population with its sales, for both marts.

    Raises:
        NothingToScore: no line of the document type that counts is known.
    """
    rules = AbcRules.from_policy(facts.policy)
    sales = facts.once("sales", lambda: sales_in_window(facts.sales(), rules, as_of=facts.as_of))
    if not facts.has_rows(sales):
        raise NothingToScore(f"no_sales_lines: {facts.sales_rules.basis}")
    customers = facts.mart(tables.DIM_CUSTOMER)
    return facts.once("values", lambda: customer_values(scored_customers(customers, sales), sales))


def _indicator_of_facts(facts: Facts) -> ir.Table:
    return abc_indicator(_values_of_facts(facts), AbcRules.from_policy(facts.policy), as_of=facts.as_of)


def _customer_of_facts(facts: Facts) -> ir.Table:
    indicator = facts.mart(tables.MART_ABC_INDICATOR)
    return abc_customer(_values_of_facts(facts), indicator, scored_party=facts.sales_rules.scored_party)


MARTS = (
    Mart(tables.MART_ABC_INDICATOR, _indicator_of_facts, made_from=(tables.DIM_CUSTOMER,), group="abc"),
    Mart(
        tables.MART_ABC_CUSTOMER,
        _customer_of_facts,
        made_from=(tables.DIM_CUSTOMER, tables.MART_ABC_INDICATOR),
        group="abc",
    ),
)

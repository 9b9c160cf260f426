"""ABC customer analysis (ABC-1 … ABC-5; R3, R4, R18, R23): ranks, shares, percentiles and classes of each indicator,
and the combined judgement.

May import: `config`, `schemas`, `tasks.abc_periods`, `tasks.abc_rules`, `tasks.abc_values`, `tasks.exact`. Tables in,
table out. Every cut is decided by cross-multiplication of exact sums, and the combined score is ranked as a whole
number over a common denominator; published shares are only what a reader sees of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from math import lcm

import ibis
import ibis.expr.types as ir

from kehu.schemas import fields as f
from kehu.tasks import exact
from kehu.tasks.abc_periods import PERIOD_COLUMNS
from kehu.tasks.abc_rules import CUT_RULES, AbcRules
from kehu.tasks.abc_values import CUSTOMER

AMOUNTS = ("collections", "gross_profit", "sales")
"""Indicators that are amounts of money: shares of a total have a meaning."""

COMBINED = "combined"

_PARTY = (*CUSTOMER, f.tax_basis.name)
_WITHIN = ("indicator", "tax_basis", "period_type", "period_age")
_VALUE = "exact_value"
_MONEY = "decimal(38, 6)"


# --- the indicators ---------------------------------------------------------------------------------------------------


def indicator_ranks(values: ir.Table, rules: AbcRules) -> ir.Table:
    """Each customer's place by each indicator: value, rank, percentile, and what the classes are cut by.

    Rule: ranked are customers with a value above zero, internal ones left out (R18). Sorted by value descending, ties
    by source, company, customer. Percentile rank = (ranked customers with a smaller value + half of those with the
    same) ÷ ranked customers: zero or below counts as 0.

    Args:
        values: rows of `values_of_all` or `values_of_traders`, over any periods.
        rules: policy values.

    Units and shape: one row per customer, indicator, tax basis and period. Collections stand once per customer, in
    basis gross; customers of a source that delivers no receipts have no row for them, nor has a customer without brand
    share one for that.

    Edges: zero → `no_trade`, below zero → `negative`, no line with a value → `missing`, internal → `internal`: no rank
    or class. Ranked within one tax basis only (R11).

    Source: ABC-1, ABC-2, ABC-3; rulings R11, R18, R23.
    """
    return _with_percentiles(_ranked(_by_indicator(values)))


def _by_indicator(values: ir.Table) -> ir.Table:
    collected = values.filter(values["collections"].notnull()).mutate(tax_basis=ibis.literal("gross"))
    # A customer with sales in two tax bases has its receipts only once.
    collected = collected.select(*_party_columns(collected), **{_VALUE: collected["collections"]}).distinct()
    valued = values.filter(values["brand_share"].notnull())
    rows = ibis.union(
        collected.mutate(indicator=ibis.literal("collections")),
        _of(values, "gross_profit"),
        _of(valued, "brand_share"),
        _of(values, "sales"),
    )
    value = rows[_VALUE]
    reason = ibis.cases(
        (rows[f.is_internal.name], "internal"),
        (value.isnull(), "missing"),
        (value == exact.zero(6), "no_trade"),
        (value < exact.zero(6), "negative"),
    )
    rows = rows.mutate(class_reason=reason)
    return rows.mutate(is_ranked=rows["class_reason"].isnull())


def _party_columns(values: ir.Table) -> list[ir.Value]:
    return [values[name] for name in (*_PARTY, *PERIOD_COLUMNS, f.is_internal.name)]


def _of(values: ir.Table, indicator: str) -> ir.Table:
    return values.select(
        *_party_columns(values), **{_VALUE: exact.widened(values[indicator])}, indicator=ibis.literal(indicator)
    )


def _ranked(rows: ir.Table) -> ir.Table:
    """Rank, sum before, total and number of the ranked customers; null for the others."""
    peers = [*_WITHIN, "is_ranked"]
    value = rows[_VALUE]
    order = [value.desc(), *(rows[key].asc() for key in CUSTOMER)]
    in_order = ibis.window(group_by=peers, order_by=order)
    so_far = ibis.cumulative_window(group_by=peers, order_by=order)
    whole = ibis.window(group_by=peers)
    is_ranked = rows["is_ranked"]
    rows = rows.mutate(
        value_rank=ibis.ifelse(is_ranked, ibis.row_number().over(in_order) + 1, ibis.null("int64")),
        cumulative=ibis.ifelse(is_ranked, exact.total(value).over(so_far), ibis.null(value.type())),
        ranked_total=ibis.ifelse(is_ranked, exact.total(value).over(whole), ibis.null(value.type())),
        ranked_count=ibis.ifelse(is_ranked, rows.count().over(whole), ibis.null("int64")),
    )
    return rows.mutate(sum_before=rows["cumulative"] - rows[_VALUE])


def _with_percentiles(rows: ir.Table) -> ir.Table:
    """`percentile_above`: twice the customers below + those equal; over twice the ranked count it is the percentile."""
    equals = ibis.window(group_by=[*_WITHIN, "is_ranked", _VALUE])
    rank, count = rows["value_rank"], rows["ranked_count"]
    equal, first = rows.count().over(equals), rank.min().over(equals)
    below = count - (first + equal - 1)
    is_known = rows[_VALUE].notnull() & ~rows[f.is_internal.name]
    none_above = ibis.ifelse(is_known, ibis.literal(0, "int64"), ibis.null("int64"))
    rows = rows.mutate(percentile_above=ibis.ifelse(rows["is_ranked"], below * 2 + equal, none_above))
    ranked = ibis.window(group_by=list(_WITHIN))
    rows = rows.mutate(peers=rows["ranked_count"].max().over(ranked).fill_null(0))
    return rows.mutate(
        percentile_rank=exact.ratio(rows["percentile_above"], ibis.ifelse(rows["peers"] > 0, rows["peers"] * 2, 1))
    )


# --- classes ----------------------------------------------------------------------------------------------------------


def with_classes(ranks: ir.Table, rules: AbcRules) -> ir.Table:
    """The class of each ranked row, by quota and by cumulative share under every cut rule.

    Rule. Quota: the first places are A, the next B, the rest C, places by largest remainder of `abc.quota_shares`
    (see `_with_seats`). Cumulative: with S the sum before a customer, v his value and T the total, the share held
    against the cuts is (S + v/2) ÷ T (`midpoint`), (S + v) ÷ T (`crossing_down`) — A up to and including the first
    cut, B up to and including the second — or S ÷ T (`crossing_up`, A below the first cut, B below the second); the
    first customer is A under every rule. `abc_class` is the one of `abc.method`; brand shares do not add up, so theirs
    is always by quota. `is_tie_at_cut`: an equal value stands in another class.

    Policy: `abc.quota_shares`, `abc.cumulative_cuts`, `abc.cut_rule`, `abc.method`.

    Source: ABC-4; rulings R3, R18; the published table of 销售与市场 1995 no. 2 (G1).
    """
    ranks = _with_middles(_with_seats(ranks, rules.quota_shares))
    adds_up = ranks["indicator"] != "brand_share"
    by_rule = {f"class_{rule}": _if(adds_up, _class_by_cut(ranks, rule, rules.cumulative_cuts)) for rule in CUT_RULES}
    rows = ranks.mutate(
        class_quota=_class_by_quota(ranks),
        value_share=_if(adds_up, exact.ratio(ranks[_VALUE], ranks["ranked_total"])),
        cumulative_share=_if(adds_up, exact.ratio(ranks["cumulative"], ranks["ranked_total"])),
        midpoint_share=_if(adds_up, exact.ratio(ranks["twice_middle"], ranks["twice_total"])),
        **by_rule,
    )
    rows = rows.mutate(class_cumulative=rows[f"class_{rules.cut_rule}"])
    rows = rows.mutate(abc_class=ibis.coalesce(rows[f"class_{rules.method}"], rows["class_quota"]))
    equals = ibis.window(group_by=[*_WITHIN, "is_ranked", _VALUE])
    is_split = rows["abc_class"].min().over(equals) != rows["abc_class"].max().over(equals)
    return rows.mutate(is_tie_at_cut=is_split.fill_null(False))


def with_combined_class(combined: ir.Table, rules: AbcRules) -> ir.Table:
    """`combined_scores` with the `abc_class` that `with_classes` gives them, and nothing else: what the many periods of
    the history need.
    """
    if rules.method == "quota":
        rows = _with_seats(combined, rules.quota_shares)
        return rows.mutate(abc_class=_class_by_quota(rows))
    rows = _with_middles(combined)
    return rows.mutate(abc_class=_class_by_cut(rows, rules.cut_rule, rules.cumulative_cuts))


def _with_middles(rows: ir.Table) -> ir.Table:
    """`twice_middle`, `twice_total`: what the midpoint is compared by, without halves."""
    before, value, total = rows["sum_before"], rows[_VALUE], rows["ranked_total"]
    return rows.mutate(twice_middle=exact.times(before, 2) + value, twice_total=exact.times(total, 2))


def _class_by_quota(rows: ir.Table) -> ir.StringValue:
    rank, a, b = rows["value_rank"], rows["seats_a"], rows["seats_b"]
    return ibis.cases((rank <= a, "A"), (rank <= a + b, "B"), (rows["is_ranked"], "C"))


def _if(condition: ir.BooleanValue, value: ir.Value) -> ir.Value:
    return ibis.ifelse(condition, value, ibis.null(value.type()))


def _class_by_cut(rows: ir.Table, rule: str, cuts: tuple[Decimal, ...]) -> ir.StringValue:
    first, second = (_is_within(rows, rule, cut) for cut in cuts)
    is_first = rows["value_rank"] == 1
    return ibis.cases((is_first | first, "A"), (second, "B"), (rows["is_ranked"], "C"))


def _is_within(rows: ir.Table, rule: str, cut: Decimal) -> ir.BooleanValue:
    """Whether the customer's share, as the cut rule takes it, lies within the cut: no quotient is formed."""
    before, total = rows["sum_before"], rows["ranked_total"]
    if rule == "midpoint":
        part, bound = exact.compare_share(rows["twice_middle"], rows["twice_total"], cut)
        return part <= bound
    if rule == "crossing_down":
        part, bound = exact.compare_share(rows["cumulative"], total, cut)
        return part <= bound
    part, bound = exact.compare_share(before, total, cut)
    return part < bound


def _with_seats(rows: ir.Table, shares: tuple[Decimal, ...]) -> ir.Table:
    """`seats_a`, `seats_b`: places in A and B among the ranked customers.

    Largest remainder, equal remainders to the better class; if A gets none, one place moves to A from the larger of B
    and C, from C if they are equal.
    """
    columns = rows.columns
    parts, unit = exact.over_common_denominator(shares)
    count = rows["ranked_count"]
    divided = [exact.divided(count * part, unit) for part in parts]
    rows = rows.mutate(
        **{f"floor_{n}": floor for n, (floor, _) in enumerate(divided)},
        **{f"rest_{n}": rest for n, (_, rest) in enumerate(divided)},
    )
    rests = [rows[f"rest_{n}"] for n in range(3)]
    left = rows["ranked_count"] - rows["floor_0"] - rows["floor_1"] - rows["floor_2"]
    # Of three remainders at most two places are left: a class gets one where fewer than `left` others go before it.
    ahead = (
        _one(rests[1] > rests[0]) + _one(rests[2] > rests[0]),
        _one(rests[0] >= rests[1]) + _one(rests[2] > rests[1]),
        _one(rests[0] >= rests[2]) + _one(rests[1] >= rests[2]),
    )
    rows = rows.mutate(**{f"places_{n}": rows[f"floor_{n}"] + _one(ahead[n] < left) for n in range(3)})
    a, b, c = (rows[f"places_{n}"] for n in range(3))
    needs_one = (a == 0) & (rows["ranked_count"] > 0)
    seats_a, seats_b = ibis.ifelse(needs_one, 1, a), ibis.ifelse(needs_one & (b > c), b - 1, b)
    return rows.select(*columns, seats_a=seats_a, seats_b=seats_b)


def _one(condition: ir.BooleanValue) -> ir.IntegerValue:
    return ibis.ifelse(condition, 1, 0)


# --- the combined judgement -------------------------------------------------------------------------------------------

_PARTS = ("size", "gross_profit", "brand_share")
"""What the judgement combines, in the order of `abc.weights`."""
_INDICATORS = ("collections", "sales", "gross_profit", "brand_share")


def combined_ranks(values: ir.Table, ranks: ir.Table, rules: AbcRules) -> ir.Table:
    """`combined_scores` and what each indicator weighs in them: `weight_…` of each part, of those known.

    Args:
        values: see `combined_scores`.
        ranks: likewise.
        rules: policy values.

    Policy: `abc.weights`, `abc.size_by`.

    Source: ABC-5; ruling R23.
    """
    rows = combined_scores(values, ranks, rules)
    weights = {f"weight_{part}": exact.ratio(rows[f"mass_{part}"], rows["mass_known"]) for part in _PARTS}
    return rows.select(*(name for name in rows.columns if not name.startswith("mass_")), **weights)


def combined_scores(values: ir.Table, ranks: ir.Table, rules: AbcRules) -> ir.Table:
    """The combined judgement before it is cut: each customer's weighted mean of percentile ranks, and its place by it.

    Rule (R23): score = Σ w·percentile ÷ Σ w over the indicators that are known, in the order size (collections, or
    sales where `size_indicator` says so), gross profit, brand share; a missing indicator's weight thus goes to the
    others in proportion, a zero or negative value counts as percentile 0. Ranked are customers whose size or gross
    profit is above zero. `exact_value` is the score times a whole number common to all, so that equal scores are equal
    and unequal ones are not.

    Args:
        values: the rows the ranks were made from.
        ranks: `indicator_ranks` of them.
        rules: policy values.

    Units and shape: one row per customer, tax basis and period, as in `indicator_ranks` with `indicator` combined;
    beside it `known_…` of each part, `mass_…` (its weight as a whole number, 0 where it is not known), `mass_known`
    (their sum) and `percentile_rank` (the score).

    Edges: not ranked: `internal`; `missing` where neither size nor gross profit, or nothing
    with a weight, is known; `negative` where one of them
    is below zero; `not_collected` where there are sales, no collections, and the profit is unknown; else `no_trade`.

    Policy: `abc.weights`, `abc.size_by`.

    Source: ABC-5; ruling R23.
    """
    rows = _scored(_side_by_side(values, ranks), rules)
    return _ranked(rows)


def _side_by_side(values: ir.Table, ranks: ir.Table) -> ir.Table:
    """One row per customer with `<part>_above`, `<part>_peers`, `<part>_reason` of each indicator."""
    rows = values.select(*_party_columns(values), "size_indicator")
    for name in _INDICATORS:
        of_one = ranks.filter(ranks["indicator"] == name)
        keys = [*CUSTOMER, "period_type", "period_age"] + ([] if name == "collections" else [f.tax_basis.name])
        taken = of_one.select(
            *keys,
            **{
                f"{name}_above": of_one["percentile_above"],
                f"{name}_reason": of_one["class_reason"],
                f"{name}_peers": of_one["peers"],
            },
        )
        joined = rows.left_join(taken, keys, rname="again_{name}")
        rows = joined.select(*rows.columns, f"{name}_above", f"{name}_reason", f"{name}_peers")
    return rows


def _scored(rows: ir.Table, rules: AbcRules) -> ir.Table:
    weights, _ = exact.over_common_denominator(rules.weights)
    rows = _with_common_denominator(_with_size(rows))
    rows = rows.mutate(
        **{
            f"mass_{part}": ibis.ifelse(rows[f"{part}_above"].notnull(), weight, 0).cast("int64")
            for part, weight in zip(_PARTS, weights, strict=True)
        },
        **{f"known_{part}": rows[f"{part}_above"].notnull() for part in _PARTS},
    )
    weighted = [
        exact.times(exact.times(rows[f"{part}_unit"], rows[f"{part}_above"].fill_null(0)), rows[f"mass_{part}"])
        for part in _PARTS
    ]
    rows = rows.mutate(
        mass_known=rows["mass_size"] + rows["mass_gross_profit"] + rows["mass_brand_share"],
        weighted=weighted[0] + weighted[1] + weighted[2],
    )
    multiple, by_mass = _common_multiple(weights, rows["mass_known"])
    rows = rows.mutate(score=exact.times(rows["weighted"], by_mass), whole=exact.times(rows["denominator"], multiple))
    rows = rows.mutate(class_reason=_why_no_judgement(rows), indicator=ibis.literal(COMBINED))
    is_ranked = rows["class_reason"].isnull()
    return rows.select(
        *_party_columns(rows),
        "indicator",
        "class_reason",
        "mass_known",
        *(f"{kind}_{part}" for kind in ("mass", "known") for part in _PARTS),
        is_ranked=is_ranked,
        percentile_rank=_if(is_ranked, exact.ratio(rows["score"], rows["whole"])),
        **{_VALUE: ibis.ifelse(is_ranked, rows["score"], exact.zero(0))},
    )


def _with_size(rows: ir.Table) -> ir.Table:
    """`size_above`, `size_reason`: those of collections or of sales."""
    is_by_collections = rows["size_indicator"] == "collections"
    return rows.mutate(
        size_above=ibis.ifelse(is_by_collections, rows["collections_above"], rows["sales_above"]),
        size_reason=ibis.ifelse(is_by_collections, rows["collections_reason"], rows["sales_reason"]),
        is_by_collections=is_by_collections,
    )


def _with_common_denominator(rows: ir.Table) -> ir.Table:
    """`denominator`: the product of twice the ranked customers of every indicator that counts for anybody, the same
    for all of a basis and period; `<part>_unit`: that product without the part's own factor.
    """
    everyone = ibis.window(group_by=["tax_basis", "period_type", "period_age"])
    stands = {"collections": rows["is_by_collections"], "sales": ~rows["is_by_collections"]}
    counted = {
        name: _if(stands[name], rows[f"{name}_peers"]) if name in stands else rows[f"{name}_peers"]
        for name in _INDICATORS
    }
    rows = rows.mutate(**{f"{name}_most": counted[name].max().over(everyone).fill_null(0) for name in _INDICATORS})
    twice = {name: ibis.ifelse(rows[f"{name}_most"] > 0, rows[f"{name}_most"] * 2, 1) for name in _INDICATORS}

    def product_without(left_out: str) -> ir.DecimalValue:
        product = exact.whole(1)
        for name in _INDICATORS:
            product = product if name == left_out else exact.times(product, twice[name])
        return product

    return rows.mutate(
        denominator=product_without(""),
        size_unit=ibis.ifelse(rows["is_by_collections"], product_without("collections"), product_without("sales")),
        gross_profit_unit=product_without("gross_profit"),
        brand_share_unit=product_without("brand_share"),
    )


def _why_no_judgement(rows: ir.Table) -> ir.StringValue:
    """Null where the customer is ranked."""
    has_traded = (rows["size_above"] > 0).fill_null(False) | (rows["gross_profit_above"] > 0).fill_null(False)
    reasons = (rows["size_reason"], rows["gross_profit_reason"])
    is_negative = (reasons[0] == "negative").fill_null(False) | (reasons[1] == "negative").fill_null(False)
    return ibis.cases(
        (rows[f.is_internal.name], "internal"),
        (has_traded & (rows["score"] > exact.zero(0)), ibis.null("string")),
        ((rows["mass_known"] == 0) | (rows["size_above"].isnull() & rows["gross_profit_above"].isnull()), "missing"),
        (is_negative, "negative"),
        ((rows["sales_above"] > 0) & rows["gross_profit_above"].isnull(), "not_collected"),
        else_="no_trade",
    )


def _common_multiple(weights: Sequence[int], weight_known: ir.Value) -> tuple[int, ir.Value]:
    """The least common multiple of all sums of weights that may be known, and that multiple ÷ the sum known."""
    sums = {sum(some) for size in (1, 2, 3) for some in combinations(weights, size)} - {0}
    multiple = lcm(*sums)
    return multiple, ibis.cases(
        *((weight_known == known, int(Fraction(multiple, known))) for known in sorted(sums)), else_=0
    )


# --- the mart ---------------------------------------------------------------------------------------------------------


def abc_indicator(ranks: ir.Table, combined: ir.Table, rules: AbcRules) -> ir.Table:
    """The working behind every class: value, rank, shares and class by each indicator and of the combined judgement.

    Args:
        ranks: `indicator_ranks` of one period.
        combined: `combined_ranks` of it.
        rules: policy values.

    Units and shape: one row per customer, indicator and tax basis; columns of the contract `mart_abc_indicator` without
    `as_of` and `run_id`, the value exact (DECIMAL(38, 6)), and beside them what the summary needs. Brand share and
    combined score stand in `indicator_share` and have no amount.

    Policy: `abc.quota_shares`, `abc.cumulative_cuts`, `abc.cut_rule`, `abc.method`.
    """
    return ibis.union(_published(with_classes(ranks, rules)), _published(with_classes(combined, rules)))


_COMMON = (
    *CUSTOMER, "indicator", f.tax_basis.name, "value_rank", "value_share", "cumulative_share",
    "midpoint_share", "class_quota", "class_cumulative", "abc_class", "class_reason", "is_tie_at_cut",
    # for the summary
    "is_ranked", "ranked_count", *(f"class_{rule}" for rule in CUT_RULES),
)  # fmt: skip


def _published(rows: ir.Table) -> ir.Table:
    is_amount = rows["indicator"].isin(list(AMOUNTS))
    is_combined = _is_whole(rows[_VALUE])
    share, percentile = rows[_VALUE], rows["percentile_rank"]
    if is_combined:  # there the percentile is the score itself
        share, percentile = percentile, ibis.null(percentile.type())
    amounts = {name: _amount_of(rows, name, is_amount) for name in (_VALUE, "sum_before", "ranked_total")}
    return rows.select(
        *_COMMON,
        **amounts,
        window_start_date=rows["period_start_date"],
        window_end_date=rows["period_end_date"],
        percentile_rank=percentile,
        indicator_value=amounts[_VALUE],
        indicator_share=ibis.ifelse(is_amount, ibis.null("decimal(18, 6)"), exact.half_even(share, 6)),
    )


def _amount_of(rows: ir.Table, name: str, is_amount: ir.BooleanValue) -> ir.Value:
    nothing = ibis.null(_MONEY)
    return nothing if _is_whole(rows[name]) else ibis.ifelse(is_amount, rows[name], nothing)


def _is_whole(value: ir.Value) -> bool:
    """True for the combined score: a whole number, where amounts have six decimals."""
    return bool(value.type().scale == 0)


CLASS_POINTS = {"A": 3, "B": 2, "C": 1}


def conflict_and_points(
    classes: Mapping[str, ir.Value],
    known: Mapping[str, ir.Value],
    is_negative: Mapping[str, ir.Value],
    rules: AbcRules,
) -> tuple[ir.Value, ir.Value]:
    """Whether a customer's indicators conflict, and the points of its classes.

    Args:
        classes: class by `size`, `gross_profit`, `brand_share`; null without one.
        known: whether each of them is known.
        is_negative: whether each of them is below zero.
        rules: policy values.

    Rule: A = 3, B = 2, C = 1, a known value without class (zero or negative) 0; they conflict where the highest lies
    two or more above the lowest, zeros not compared: who bought nothing has no profit to compare. Points: mean by
    `abc.weights` over the known ones.
    """
    weights, _ = exact.over_common_denominator(rules.weights)
    points = {
        part: ibis.cases(*((classes[part] == letter, value) for letter, value in CLASS_POINTS.items()), else_=0)
        for part in _PARTS
    }
    compared = {
        part: ibis.ifelse(classes[part].notnull() | is_negative[part], points[part], ibis.null("int8"))
        for part in _PARTS
    }
    span = ibis.greatest(*compared.values()) - ibis.least(*compared.values())
    mass = {part: ibis.ifelse(known[part], weight, 0) for part, weight in zip(_PARTS, weights, strict=True)}
    above = sum((mass[part] * points[part] for part in _PARTS), start=ibis.literal(0))
    below = sum(mass.values(), start=ibis.literal(0))
    return (span >= 2).fill_null(False), exact.ratio(above, below)

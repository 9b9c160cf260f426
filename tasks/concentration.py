"""How many customers stand in each class, and how concentrated the value is (ABC-9, R26).

May import: `config`, `schemas`, `tasks.abc`, `tasks.abc_rules`, `tasks.exact`, `tasks.facts`. Tables in, table out.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import ibis
import ibis.expr.types as ir

from kehu.schemas import tables
from kehu.tasks import exact
from kehu.tasks.abc import AMOUNTS
from kehu.tasks.abc_rules import CLASSES, CUT_RULES, AbcRules
from kehu.tasks.facts import Facts, Mart

_VALUE = "exact_value"


def abc_summary(indicator: ir.Table, rules: AbcRules) -> ir.Table:
    """Counts of classes by either method and every cut rule, and measures of concentration.

    Rule, over the n ranked customers by value descending (v_1 ≥ v_2 …, total T): top-k share = Σ_{i≤k} v_i ÷ T, top p
    % of customers rounded up to whole customers; customers for 80 % = fewest whose sum reaches 0.8·T; Gini = Σ (n + 1
    − 2i)·v_i ÷ (n·T); Herfindahl = Σ v_i² ÷ T², on values in whole cents; `ratio_deviation` = half the sum of
    |n_class ÷ n − share of policy| of the class by `abc.method`.

    Units and shape: one row per indicator and tax basis; columns of the contract `mart_abc_summary` without `as_of` and
    `run_id`, money exact (DECIMAL(38, 6)), shares DECIMAL(18, 6).

    Edges: nobody ranked: shares, ratio and `is_concentrated` null; no value at all: total null; brand share and the
    combined judgement are no amounts: totals, shares and concentration null. Bounds of concentration are inclusive.

    Policy: `abc.quota_shares`, `abc.method`, `abc.concentration_top_1`, `abc.concentration_top_5`.

    Source: ABC-9; ruling R26.
    """
    rows = indicator.mutate(cents=exact.whole_cents(indicator[_VALUE]))
    grouped = rows.group_by(["indicator", "tax_basis", "window_start_date", "window_end_date"]).aggregate(
        **_counts(rows), **_class_counts(rows), **_parts(rows)
    )
    return _published(grouped, rules)


def _counts(rows: ir.Table) -> dict[str, ir.Value]:
    reason = rows["class_reason"]
    none = exact.zero(6)
    return {
        "customers": rows.count(),
        "ranked_customers": rows.count(where=rows["is_ranked"]),
        "no_trade_customers": rows.count(where=reason == "no_trade"),
        "negative_customers": rows.count(where=reason == "negative"),
        "missing_customers": rows.count(where=reason == "missing"),
        "internal_customers": rows.count(where=reason == "internal"),
        "total_value": exact.total(rows[_VALUE]),
        "ranked_value": ibis.coalesce(exact.total(rows[_VALUE], where=rows["is_ranked"]), none),
    }


def _class_counts(rows: ir.Table) -> dict[str, ir.Value]:
    columns = {"quota": "class_quota", "method": "abc_class", **{rule: f"class_{rule}" for rule in CUT_RULES}}
    return {
        f"{name}_{letter.lower()}": rows.count(where=rows[column] == letter)
        for name, column in columns.items()
        for letter in CLASSES
    }


def _parts(rows: ir.Table) -> dict[str, ir.Value]:
    """Exact numerators, each a sum over some of the ranked customers."""
    value, rank, count = rows[_VALUE], rows["value_rank"], rows["ranked_count"]
    is_ranked = rows["is_ranked"]
    is_before_80, bound_80 = exact.compare_share(rows["sum_before"], rows["ranked_total"], Fraction(4, 5))
    parts = {f"value_{letter.lower()}": exact.total(value, where=rows["abc_class"] == letter) for letter in CLASSES}
    parts |= {f"value_top_{k}": exact.total(value, where=rank <= k) for k in (1, 5, 10)}
    # rank ≤ n·p % rounded up ⟺ (rank − 1)·100 < n·p
    parts |= {f"value_top_{p}_percent": exact.total(value, where=(rank - 1) * 100 < count * p) for p in (20, 25)}
    return parts | {
        "customers_for_80_percent": rows.count(where=is_ranked & (is_before_80 < bound_80)),
        "gini_above": exact.total(exact.times(value, count + 1 - rank * 2), where=is_ranked),
        "squares": exact.total(exact.times(rows["cents"], rows["cents"]), where=is_ranked),
        "cents": exact.total(rows["cents"], where=is_ranked),
    }


def _published(grouped: ir.Table, rules: AbcRules) -> ir.Table:
    is_amount = grouped["indicator"].isin(list(AMOUNTS))
    grouped = grouped.mutate(ranked_value=ibis.ifelse(is_amount, grouped["ranked_value"], ibis.null("decimal(38, 6)")))
    total = grouped["ranked_value"]
    count = grouped["ranked_customers"]
    is_ranked = count > 0
    has_total = is_ranked & is_amount

    def share(part: str) -> ir.Value:
        return exact.ratio(ibis.coalesce(grouped[part], exact.zero(6)), total)

    def reaches(part: str, bound: Decimal) -> ir.BooleanValue:
        above, below = exact.compare_share(grouped[part], total, bound)
        return above >= below

    counts = [grouped[f"method_{letter.lower()}"] for letter in CLASSES]
    ratio_actual = counts[0].cast("string") + ":" + counts[1].cast("string") + ":" + counts[2].cast("string")
    method_columns = [f"method_{letter.lower()}" for letter in CLASSES]
    cut_rules = (f"{rule}_{letter.lower()}" for rule in ("quota", *CUT_RULES) for letter in CLASSES)
    return grouped.select(
        "indicator",
        "tax_basis",
        "customers",
        "ranked_customers",
        "no_trade_customers",
        "negative_customers",
        "missing_customers",
        "internal_customers",
        "total_value",
        "ranked_value",
        *cut_rules,
        "window_start_date",
        "window_end_date",
        **{f"value_share_{letter.lower()}": share(f"value_{letter.lower()}") for letter in CLASSES},
        ratio_actual=ibis.ifelse(is_ranked, ratio_actual, ibis.null("string")),
        ratio_deviation=_deviation([grouped[column] for column in method_columns], count, rules),
        **{f"top_{k}_share": share(f"value_top_{k}") for k in (1, 5, 10)},
        **{f"top_{p}_percent_share": share(f"value_top_{p}_percent") for p in (20, 25)},
        customers_for_80_percent=ibis.ifelse(has_total, grouped["customers_for_80_percent"], ibis.null("int64")),
        gini=exact.ratio(grouped["gini_above"], exact.times(total, count)),
        herfindahl=exact.ratio(grouped["squares"], exact.times(grouped["cents"], grouped["cents"])),
        is_concentrated=ibis.ifelse(
            has_total,
            reaches("value_top_1", rules.concentration_top_1) | reaches("value_top_5", rules.concentration_top_5),
            ibis.null("boolean"),
        ),
    )


def _deviation(counts: list[ir.Value], count: ir.Value, rules: AbcRules) -> ir.Value:
    """Half the sum of |n_class ÷ n − share|: all over the common denominator 2·n·unit."""
    parts, unit = exact.over_common_denominator(rules.quota_shares)
    moved = [(n * unit - count * part).abs() for n, part in zip(counts, parts, strict=True)]
    return exact.ratio(moved[0] + moved[1] + moved[2], count * (2 * unit))


# --- the mart ---------------------------------------------------------------------------------------------------------


def _of_facts(facts: Facts) -> ir.Table:
    indicator = facts.mart(tables.MART_ABC_INDICATOR)
    return abc_summary(indicator, AbcRules.from_policy(facts.policy))


MARTS = (Mart(tables.MART_ABC_SUMMARY, _of_facts, made_from=(tables.MART_ABC_INDICATOR,), group="abc"),)

"""Each customer with its class and everything that made it: the mart most people read, and the working behind it.

May import: `config`, `schemas`, `tasks.abc*`, `tasks.facts`. Tables in, table out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir

from kehu.schemas import fields as f
from kehu.schemas import tables
from kehu.tasks.abc import abc_indicator, conflict_and_points
from kehu.tasks.abc_facts import AbcFacts
from kehu.tasks.abc_history import newest_rolling
from kehu.tasks.abc_rules import AbcRules
from kehu.tasks.abc_values import CUSTOMER
from kehu.tasks.facts import Facts, Mart

_PARTY = (*CUSTOMER, f.tax_basis.name)
_MOVES = ("abc_class_prev", "move", "periods_in_class", "is_confirmed", "class_since_date", "abc_class_year_ago")


def abc_customer(
    values: ir.Table,
    indicator: ir.Table,
    combined: ir.Table,
    moves: ir.Table,
    stability: ir.Table,
    notes: ir.Table,
    rules: AbcRules,
    *,
    scored_party: str,
) -> ir.Table:
    """Each customer with its combined class and what made it: what most people read.

    Args:
        values: `values_of_all` of the judged period.
        indicator: `abc_indicator` of it.
        combined: `combined_ranks` of it.
        moves: the newest rolling period of `class_history`.
        stability: rows of `mart_customer_stability`.
        notes: `notes_not_counted` of `tasks.receipts`.
        rules: policy values.
        scored_party: `account`, `bill_to` or `group`.

    Shape: one row per customer and tax basis; columns of the contract `mart_abc_customer` without `as_of` and `run_id`,
    money exact (DECIMAL(38, 6)).
    """
    rows = values
    rows = _with_class(rows, indicator, "sales", by=_PARTY)
    rows = _with_class(rows, indicator, "gross_profit", by=_PARTY)
    rows = _with_class(rows, indicator, "brand_share", by=_PARTY)
    rows = _with_class(rows, indicator, "collections", by=CUSTOMER)
    rows = _with_class(rows, indicator, "combined", by=_PARTY)
    taken = [f"{kind}_{part}" for kind in ("weight", "known") for part in ("size", "gross_profit", "brand_share")]
    rows = _joined(rows, combined, _PARTY, taken)
    rows = _joined(rows, moves, _PARTY, _MOVES)
    rows = _joined(rows, stability, _PARTY, ("stability_class", "demand_pattern"))
    rows = _joined(rows, notes, CUSTOMER, ("notes_not_counted",))
    return _columns(rows, rules, scored_party)


def _with_class(rows: ir.Table, indicator: ir.Table, name: str, by: tuple[str, ...]) -> ir.Table:
    of_one = indicator.filter(indicator["indicator"] == name)
    columns = ("abc_class", "class_reason", "is_tie_at_cut", "value_rank", "indicator_share")
    taken = of_one.select(*by, **{f"{name}_{column}": of_one[column] for column in columns})
    return _joined(rows, taken, by, [f"{name}_{column}" for column in columns])


def _joined(rows: ir.Table, other: ir.Table, by: tuple[str, ...], taken: Sequence[str]) -> ir.Table:
    joined = rows.left_join(other.select(*by, *taken), list(by), rname="again_{name}")
    return joined.select(*rows.columns, *taken)


def _columns(rows: ir.Table, rules: AbcRules, scored_party: str) -> ir.Table:
    is_by_collections = rows["size_indicator"] == "collections"
    size_class = ibis.ifelse(is_by_collections, rows["collections_abc_class"], rows["sales_abc_class"])
    classes: Mapping[str, ir.Value] = {
        "size": size_class,
        "gross_profit": rows["gross_profit_abc_class"],
        "brand_share": rows["brand_share_abc_class"],
    }
    known = {part: rows[f"known_{part}"] for part in classes}
    size_reason = ibis.ifelse(is_by_collections, rows["collections_class_reason"], rows["sales_class_reason"])
    reasons = {
        "size": size_reason,
        "gross_profit": rows["gross_profit_class_reason"],
        "brand_share": rows["brand_share_class_reason"],
    }
    is_negative = {part: (reason == "negative").fill_null(False) for part, reason in reasons.items()}
    is_conflict, points = conflict_and_points(classes, known, is_negative, rules)
    is_ranked = rows["combined_abc_class"].notnull()
    is_net = rows[f.tax_basis.name] == "net"
    nothing = ibis.null("decimal(38, 6)")
    none_held = ibis.ifelse(rows["has_collections"], rows["notes_not_counted"].fill_null(0), nothing)
    return rows.select(
        *_PARTY,
        f.customer_name.name,
        "member_customers",
        "size_indicator",
        "brand_share",
        "brand_share_source",
        "sales_lines",
        "non_goods",
        "gross_profit",
        "lines_without_cost",
        "demand_pattern",
        *_MOVES,
        "weight_size",
        "weight_gross_profit",
        "weight_brand_share",
        "gross_profit_class_reason",
        "sales_class_reason",
        scored_party=ibis.literal(scored_party),
        window_start_date=rows["period_start_date"],
        window_end_date=rows["period_end_date"],
        abc_class=rows["combined_abc_class"],
        abc_class_reason=rows["combined_class_reason"],
        abc_rank=rows["combined_value_rank"],
        abc_score=rows["combined_indicator_share"],
        abc_points=ibis.ifelse(is_ranked, points, ibis.null(points.type())),
        is_conflict=is_ranked & is_conflict,
        is_tie_at_cut=rows["combined_is_tie_at_cut"],
        stability_class=rows["stability_class"].fill_null("insufficient"),
        size_class=size_class,
        gross_profit_class=rows["gross_profit_abc_class"],
        brand_share_class=rows["brand_share_abc_class"],
        collections_gross=rows["collections"],
        notes_not_counted_gross=none_held,
        sales_net=ibis.ifelse(is_net, rows["sales"], nothing),
        sales_tax_unknown=ibis.ifelse(is_net, nothing, rows["sales"]),
        sales_class=rows["sales_abc_class"],
    )


# --- the marts --------------------------------------------------------------------------------------------------------


def _indicator_of_facts(facts: Facts) -> ir.Table:
    abc = AbcFacts(facts)
    return abc_indicator(abc.ranks(), abc.combined(), abc.rules)


def _customer_of_facts(facts: Facts) -> ir.Table:
    abc = AbcFacts(facts)
    return abc_customer(
        abc.values(),
        facts.mart(tables.MART_ABC_INDICATOR),
        abc.combined(),
        newest_rolling(facts.mart(tables.MART_ABC_HISTORY)),
        facts.mart(tables.MART_CUSTOMER_STABILITY),
        facts.notes_not_counted(),
        abc.rules,
        scored_party=facts.sales_rules.scored_party,
    )


MARTS = (
    Mart(tables.MART_ABC_INDICATOR, _indicator_of_facts, made_from=(tables.DIM_CUSTOMER,), group="abc"),
    Mart(
        tables.MART_ABC_CUSTOMER,
        _customer_of_facts,
        made_from=(
            tables.DIM_CUSTOMER,
            tables.MART_ABC_INDICATOR,
            tables.MART_ABC_HISTORY,
            tables.MART_CUSTOMER_STABILITY,
        ),
        group="abc",
    ),
)

"""ABC once more, slow and obvious, in fractions: what the expressions are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from kehu.tasks.abc_rules import CUT_RULES, AbcRules


@dataclass(frozen=True)
class Customer:
    """A customer with the value to be ranked by; None where it cannot be computed."""

    source: str
    customer_id: str
    value: Fraction | None
    is_internal: bool = False


def reason(customer: Customer) -> str | None:
    """Why the customer is not ranked."""
    if customer.is_internal:
        return "internal"
    if customer.value is None:
        return "missing"
    if customer.value == 0:
        return "no_trade"
    return "negative" if customer.value < 0 else None


def quota(count: int, shares: Sequence[Fraction]) -> tuple[int, int, int]:
    """Places in A, B and C."""
    exact = [count * share for share in shares]
    places = [int(size) for size in exact]
    order = sorted(range(3), key=lambda i: (-(exact[i] - places[i]), i))
    for i in order[: count - sum(places)]:
        places[i] += 1
    if count and places[0] == 0:
        places[1 if places[1] > places[2] else 2] -= 1
        places[0] = 1
    return places[0], places[1], places[2]


def class_by_cut(rule: str, before: Fraction, value: Fraction, whole: Fraction, cuts: Sequence[Fraction]) -> str:
    """The class of one customer by a cut rule, the first one aside."""
    share = {"midpoint": before + value / 2, "crossing_down": before + value, "crossing_up": before}[rule] / whole
    for letter, cut in zip("AB", cuts, strict=True):
        if share < cut or (share == cut and rule != "crossing_up"):
            return letter
    return "C"


def published(share: Fraction) -> Decimal:
    """A ratio as published: six decimals, halves to even."""
    return Decimal(round(share * 10**6)).scaleb(-6)


def classed(customers: Sequence[Customer], rules: AbcRules) -> dict[tuple[str, str], dict[str, Any]]:
    """What `mart_abc_indicator` says of each customer."""
    shares = [Fraction(share) for share in rules.quota_shares]
    cuts = [Fraction(cut) for cut in rules.cumulative_cuts]
    ranked = sorted(
        (customer for customer in customers if reason(customer) is None),
        key=lambda customer: (-customer.value, customer.source, customer.customer_id),  # type: ignore[operator]
    )
    whole = sum((customer.value for customer in ranked), Fraction(0))  # type: ignore[misc]
    places = quota(len(ranked), shares)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    before = Fraction(0)
    for position, customer in enumerate(ranked):
        value = customer.value
        assert value is not None
        row = {f"class_{rule}": class_by_cut(rule, before, value, whole, cuts) for rule in CUT_RULES}
        if position == 0:
            row = dict.fromkeys(row, "A")
        row["class_quota"] = "A" if position < places[0] else "B" if position < places[0] + places[1] else "C"
        row["class_cumulative"] = row[f"class_{rules.cut_rule}"]
        row["abc_class"] = row[f"class_{rules.method}"]
        found[(customer.source, customer.customer_id)] = {
            **row, "value_rank": position + 1, "class_reason": None, "value": value,
            "value_share": published(value / whole), "cumulative_share": published((before + value) / whole),
            "midpoint_share": published((before + value / 2) / whole),
        }  # fmt: skip
        before += value
    for row in found.values():
        equals = {other["abc_class"] for other in found.values() if other["value"] == row["value"]}
        row["is_tie_at_cut"] = len(equals) > 1
    for customer in customers:
        if (why := reason(customer)) is not None:
            nothing = dict.fromkeys(next(iter(found.values()))) if found else {"abc_class": None, "value_rank": None}
            found_row = {**nothing, "class_reason": why, "is_tie_at_cut": False, "value": customer.value}
            found[(customer.source, customer.customer_id)] = found_row
    return found


def summary(customers: Sequence[Customer]) -> dict[str, Any]:
    """What `mart_abc_summary` says of the concentration; values in whole cents only."""
    values = sorted((c.value for c in customers if reason(c) is None and c.value is not None), reverse=True)
    whole = sum(values, Fraction(0))
    if not values:
        return {"gini": None, "herfindahl": None, "customers_for_80_percent": None, "top_20_percent_share": None}
    count = len(values)
    reached = 0
    while sum(values[:reached], Fraction(0)) < whole * Fraction(4, 5):
        reached += 1
    pairs = sum(abs(left - right) for left in values for right in values)
    return {
        "top_1_share": published(values[0] / whole),
        "top_5_share": published(sum(values[:5]) / whole),
        "top_20_percent_share": published(sum(values[: -(-count * 20 // 100)]) / whole),
        "top_25_percent_share": published(sum(values[: -(-count * 25 // 100)]) / whole),
        "customers_for_80_percent": reached,
        "gini": published(Fraction(pairs) / (2 * count * whole)),
        "herfindahl": published(sum(value * value for value in values) / (whole * whole)),
    }

"""The combined judgement and its history once more, slow and obvious, in fractions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from abc_reference import Customer, classed, reason

from kehu.tasks.abc_rules import AbcRules

Key = tuple[str, str]
PARTS = ("size", "gross_profit", "brand_share")


@dataclass(frozen=True)
class Trader:
    """A customer with the values it is judged by; None where one is not known."""

    source: str
    customer_id: str
    size: Fraction | None
    gross_profit: Fraction | None
    brand_share: Fraction | None = None
    is_internal: bool = False

    @property
    def key(self) -> Key:
        """Source and code."""
        return (self.source, self.customer_id)

    def as_customer(self, part: str) -> Customer:
        """The customer with one of its values."""
        return Customer(self.source, self.customer_id, getattr(self, part), self.is_internal)


def percentiles(customers: Sequence[Customer]) -> dict[Key, Fraction | None]:
    """Customers below + half of those equal, over the ranked; 0 for a value of zero or below, None for none."""
    ranked = [c.value for c in customers if reason(c) is None and c.value is not None]
    found: dict[Key, Fraction | None] = {}
    for customer in customers:
        key, value = (customer.source, customer.customer_id), customer.value
        if customer.is_internal or value is None:
            found[key] = None
        elif value <= 0:
            found[key] = Fraction(0)
        else:
            below = sum(other < value for other in ranked)
            equal = sum(other == value for other in ranked)
            found[key] = (below + Fraction(equal, 2)) / len(ranked)
    return found


def judged(traders: Sequence[Trader], rules: AbcRules) -> dict[Key, dict[str, Any]]:
    """What the combined judgement says of each customer."""
    weights = dict(zip(PARTS, map(Fraction, rules.weights), strict=True))
    by_part = {part: percentiles([trader.as_customer(part) for trader in traders]) for part in PARTS}
    scores: dict[Key, Fraction] = {}
    rows: dict[Key, dict[str, Any]] = {}
    for trader in traders:
        known = {part: by_part[part][trader.key] for part in PARTS if by_part[part][trader.key] is not None}
        mass = sum((weights[part] for part in known), Fraction(0))
        rows[trader.key] = {
            "known": set(known),
            "weights": {part: weights[part] / mass if part in known and mass else None for part in PARTS},
            "abc_class": None, "value_rank": None, "score": None, "class_reason": _why_not(trader),
        }  # fmt: skip
        score = sum((weights[part] * share for part, share in known.items() if share), Fraction(0))
        if rows[trader.key]["class_reason"] is None and score > 0:
            scores[trader.key] = score / mass
        elif rows[trader.key]["class_reason"] is None:
            values = (trader.size, trader.gross_profit)
            is_negative = any(value is not None and value < 0 for value in values)
            unknown = "missing" if mass == 0 else "negative" if is_negative else "no_trade"
            rows[trader.key]["class_reason"] = unknown
    places = classed([Customer(*key, score) for key, score in scores.items()], rules)
    for key, place in places.items():
        rows[key] |= {
            "abc_class": place["abc_class"],
            "value_rank": place["value_rank"],
            "class_reason": None,
            "score": scores[key],
        }
    return rows


def _why_not(trader: Trader) -> str | None:
    if trader.is_internal:
        return "internal"
    both = [value for value in (trader.size, trader.gross_profit) if value is not None]
    if any(value > 0 for value in both):
        return None
    if not both:
        return "missing"
    return "negative" if any(value < 0 for value in both) else "no_trade"


def moves(classes: Sequence[Mapping[Key, str]], rules: AbcRules, year: int) -> list[dict[Key, dict[str, Any]]]:
    """For each period (newest first) what the history says of everyone ranked in it or in the one before.

    Args:
        classes: the class of each ranked customer, one mapping a period, newest first.
        rules: policy values.
        year: how many periods make a year.
    """
    found = []
    for age, now in enumerate(classes[:-1]):
        rows = {}
        for key in sorted(set(now) | set(classes[age + 1])):
            run = [period.get(key) for period in classes[age:]]
            current, before = run[0], run[1]
            length = next((n for n, letter in enumerate(run) if letter != current), len(run))
            same = sum(letter == current for letter in run[: rules.confirm_periods]) if current else 0
            rows[key] = {
                "abc_class": current,
                "abc_class_prev": before,
                "move": _move(before, current),
                "periods_in_class": same,
                "is_confirmed": bool(current) and same >= rules.confirm_needed,
                "since_age": age + length - 1 if current else None,
                "abc_class_year_ago": run[year] if year < len(run) else None,
            }
        found.append(rows)
    return found


def _move(before: str | None, now: str | None) -> str | None:
    if before is None or now is None:
        return "left" if before else "entered" if now else None
    return "stable" if before == now else "up" if now < before else "down"

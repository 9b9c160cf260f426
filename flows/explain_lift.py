"""From the published working of a run to what would lift a customer, and what he must not lose.

May import: `config`, `schemas`, `tasks.lift`. The arithmetic is `tasks.lift`; here published cents and shares become
whole units and back.

The marts hold cents, the classes were made from exact values. Customers whose exact values differ within one cent are
kept apart by their published percentile ranks, and where a mart shows any such fraction, each amount is given one cent
more than the cents alone would ask for: what is promised then holds for the exact values too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Any, Final, Literal

from kehu.config.policy import Policy
from kehu.schemas.tables import MART_ABC_CUSTOMER, MART_ABC_INDICATOR
from kehu.tasks.lift import (
    INDICATORS,
    CutRules,
    Judged,
    Reach,
    combined_fall,
    combined_rise,
    combined_standing,
    single_rise,
    single_standing,
)

Row = Mapping[str, Any]
Kind = Literal["combined_rise", "combined_fall", "single_rise"]

SHARE: Final = "brand_share"
"""The one indicator that is no amount."""

_FINER: Final = 10**7
"""Units in one cent (or one millionth of a share): more than there are customers to be told apart within it."""

_PLACES: Final = {name: 6 if name == SHARE else 2 for name in INDICATORS}


@dataclass(frozen=True)
class Change:
    """What it takes in one indicator, all others and all other customers unchanged, to change a class.

    Attributes:
        kind: `combined_rise` or `combined_fall` of the combined class; `single_rise` of the class by the indicator.
        indicator: which indicator.
        class_from: class now; None = none.
        class_to: class then; None = none, or not within reach.
        change: least gain or loss, in the reporting currency (brand share: as a share); None where no change of this
            indicator alone does it.
        value_to: value then.
        rank_to: rank then.
    """

    kind: Kind
    indicator: str
    class_from: str | None
    class_to: str | None = None
    change: Decimal | None = None
    value_to: Decimal | None = None
    rank_to: int | None = None


@dataclass(frozen=True)
class Lift:
    """What would change a customer's classes.

    Attributes:
        changes: one per kind and indicator that has a part in his judgement.
        has_fractions: True where the exact values have fractions of a cent, so that one cent was added to each amount.
        reason: why nothing is said: `policy_differs` (the run was made by other rules), `internal`, `not_reproduced`
            (the published figures do not give the published class); None where something is.
    """

    changes: tuple[Change, ...] = ()
    has_fractions: bool = False
    reason: str | None = None


def cut_rules(policy: Policy) -> CutRules:
    """How a policy cuts classes: the values of `abc.method`, `abc.quota_shares`, `abc.cumulative_cuts`, `abc.cut_rule`.

    Raises:
        PolicyBlank: one of them is blank.
    """
    names = ("method", "quota_shares", "cumulative_cuts", "cut_rule")
    return CutRules(**{name: policy.value(f"abc.{name}") for name in names})


POPULATION_SQL: Final = f"""
SELECT i.source, i.company_id, i.customer_id, i.indicator, i.percentile_rank, i.class_reason,
       coalesce(i.indicator_value, i.indicator_share) AS published
FROM {MART_ABC_INDICATOR.name} AS i
WHERE i.run_id = $run_id AND (i.indicator = 'collections' OR i.tax_basis = $tax_basis)
  AND i.indicator <> 'combined' AND i.class_reason IS DISTINCT FROM 'internal'
ORDER BY ALL
"""
"""The values of every customer who may be ranked, for `lift_of`; collections are ranked in a basis of their own."""

SIZE_SQL: Final = f"""
SELECT source, company_id, customer_id, size_indicator
FROM {MART_ABC_CUSTOMER.name} WHERE run_id = $run_id AND tax_basis = $tax_basis ORDER BY ALL
"""
"""Who is judged in a tax basis, and what stands for his size."""


def lift_of(
    customer: Row,
    working: Mapping[str, Row],
    values: Iterable[Row],
    sizes: Iterable[Row],
    policy: Policy,
    *,
    is_rounded: bool,
) -> Lift:
    """What would change the classes of one customer.

    Args:
        customer: his row of `mart_abc_customer`.
        working: his rows of `mart_abc_indicator` by indicator.
        values: rows of `POPULATION_SQL`.
        sizes: rows of `SIZE_SQL`.
        policy: the rules the run was made by.
        is_rounded: True where the cents of the mart do not add up to its exact total.
    """
    if customer["abc_class_reason"] == "internal":
        return Lift(reason="internal")
    rules, weights = cut_rules(policy), policy.value("abc.weights")
    crowd = _Crowd(values, sizes, weights, has_fractions=is_rounded)
    key = _key(customer)
    if key not in crowd.places:
        return Lift(reason="not_reproduced")
    who, row = crowd.places[key], crowd.rows[crowd.places[key]]
    if combined_standing(crowd.rows, rules, who) != (customer["abc_class"], customer["abc_rank"]):
        return Lift(reason="not_reproduced")
    changes: list[Change] = []
    for place, name in enumerate(INDICATORS):
        if row.weights[place] is not None and row.values[place] is not None:
            changes += _changes_by(name, crowd, rules, who, customer, working)
    return Lift(tuple(changes), has_fractions=crowd.has_fractions)


def _changes_by(
    name: str, crowd: _Crowd, rules: CutRules, who: int, customer: Row, working: Mapping[str, Row]
) -> Iterable[Change]:
    place = INDICATORS.index(name)
    letter, single = customer["abc_class"], working[name]["abc_class"]
    finish = _Finish(name, crowd.rows[who].values[place] or 0, working[name], crowd.has_fractions)
    if letter != "A":
        yield finish.change("combined_rise", letter, combined_rise(crowd.rows, rules, who, name))
    if letter is not None and (crowd.rows[who].values[place] or 0) > 0:
        yield finish.change("combined_fall", letter, combined_fall(crowd.rows, rules, who, name))
    by_itself = replace(rules, method="quota") if name == SHARE else rules
    keys, column = [row.key for row in crowd.rows], [row.values[place] for row in crowd.rows]
    if single != "A" and single_standing(keys, column, by_itself, who) == (single, working[name]["value_rank"]):
        yield finish.change("single_rise", single, single_rise(keys, column, by_itself, who))


@dataclass(frozen=True)
class _Finish:
    """Turns whole units back into what the mart shows."""

    indicator: str
    units: int
    working: Row
    has_fractions: bool

    def change(self, kind: Kind, class_from: str | None, reach: Reach | None) -> Change:
        if reach is None:
            return Change(kind, self.indicator, class_from)
        now, places = _published_units(self.working["indicator_value"], self.working["indicator_share"], self.indicator)
        # Whoever has nothing at all is ranked with the first cent, wherever fractions lie.
        from_nothing = self.working["class_reason"] == "no_trade" and reach.change == 1
        spare = 1 if self.has_fractions and self.indicator != SHARE and not from_nothing else 0
        if kind == "combined_fall":
            then = (self.units - reach.change) // _FINER - spare
        else:
            then = -(-(self.units + reach.change) // _FINER) + spare
        return Change(
            kind,
            self.indicator,
            class_from,
            class_to=reach.abc_class,
            change=Decimal(abs(then - now)).scaleb(-places),
            value_to=Decimal(then).scaleb(-places),
            rank_to=reach.rank,
        )


class _Crowd:
    """Everyone who may be ranked, in whole units."""

    def __init__(
        self, values: Iterable[Row], sizes: Iterable[Row], weights: Sequence[Decimal], *, has_fractions: bool
    ) -> None:
        by_indicator: dict[str, dict[tuple[str, ...], Row]] = {name: {} for name in INDICATORS}
        for row in values:
            by_indicator[row["indicator"]][_key(row)] = row
        units: dict[str, dict[tuple[str, ...], int | None]] = {}
        self.has_fractions = has_fractions
        for name, rows in by_indicator.items():
            units[name], is_finer = _in_units(name, rows)
            self.has_fractions |= is_finer
        whole = _whole_weights(weights)
        judged = {_key(row): _weights_of(row["size_indicator"], whole) for row in sizes}
        keys = sorted({key for column in units.values() for key in column})
        nothing: tuple[int | None, ...] = (None,) * len(INDICATORS)
        self.rows = [
            Judged(key, tuple(units[name].get(key) for name in INDICATORS), judged.get(key, nothing)) for key in keys
        ]
        self.places = {key: place for place, key in enumerate(keys) if key in judged}


def _in_units(name: str, rows: Mapping[tuple[str, ...], Row]) -> tuple[dict[tuple[str, ...], int | None], bool]:
    """Each customer's value in units, and whether any exact value is finer than what is published."""
    levels: dict[int, set[Decimal]] = {}
    has_fractions = False
    for row in rows.values():
        if row["class_reason"] is None:
            cents, _ = _published_units(row["published"], None, name)
            levels.setdefault(cents, set()).add(row["percentile_rank"])
            has_fractions |= cents <= 0 or len(levels[cents]) > 1
    order = {cents: {rank: place for place, rank in enumerate(sorted(ranks))} for cents, ranks in levels.items()}
    units: dict[tuple[str, ...], int | None] = {}
    for key, row in rows.items():
        reason = row["class_reason"]
        if row["published"] is None:
            units[key] = None
        elif reason is None:
            cents, _ = _published_units(row["published"], None, name)
            units[key] = max(cents, 0) * _FINER + order[cents][row["percentile_rank"]] + (cents <= 0)
        else:
            cents, _ = _published_units(row["published"], None, name)
            has_fractions |= reason == "negative" and cents == 0
            units[key] = min(cents, 0) * _FINER
    return units, has_fractions


def _published_units(value: Decimal | None, share: Decimal | None, name: str) -> tuple[int, int]:
    """A published value in its smallest unit, and how many decimals that has."""
    published = share if value is None else value
    places = _PLACES[name]
    return int((published or Decimal(0)).scaleb(places)), places


def _whole_weights(weights: Sequence[Decimal]) -> tuple[int, ...]:
    fractions = [Fraction(weight) for weight in weights]
    unit = lcm(*(fraction.denominator for fraction in fractions))
    return tuple(int(fraction * unit) for fraction in fractions)


def _weights_of(size_indicator: str | None, weights: Sequence[int]) -> tuple[int | None, ...]:
    size, profit, brand = weights
    by_collections = size_indicator == "collections"
    return (size if by_collections else None, None if by_collections else size, profit, brand)


def _key(row: Row) -> tuple[str, ...]:
    return (row["source"], row["company_id"], row["customer_id"])

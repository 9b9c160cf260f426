"""What would lift a customer: held against the classification itself, run again with the changed value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from fractions import Fraction

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kehu.tasks.abc import combined_ranks, indicator_ranks, with_classes
from kehu.tasks.abc_rules import AbcRules
from kehu.tasks.build import fetch
from kehu.tasks.lift import (
    INDICATORS,
    CutRules,
    Judged,
    Reach,
    Standing,
    combined_fall,
    combined_rise,
    combined_standing,
    quota_seats,
    single_rise,
    single_standing,
)

QUOTA = CutRules()
SIZE_AND_PROFIT = (2, None, 2, 1)
"""Weights of a customer whose size is measured by collections."""


# --- the classification once more, slow and obvious, in fractions -----------------------------------------------------


def percentile(values: Sequence[int | None], value: int | None) -> Fraction | None:
    if value is None:
        return None
    ranked = [other for other in values if other is not None and other > 0]
    if value <= 0:
        return Fraction(0)
    smaller, equal = sum(other < value for other in ranked), sum(other == value for other in ranked)
    return (smaller + Fraction(equal, 2)) / len(ranked)


def score(rows: Sequence[Judged], row: Judged) -> Fraction | None:
    """None where he is not ranked."""
    parts = [
        (weight, percentile([other.values[place] for other in rows], row.values[place]))
        for place, weight in enumerate(row.weights)
        if weight is not None
    ]
    known = [(weight, part) for weight, part in parts if part is not None]
    has_traded = any((value or 0) > 0 and w is not None for value, w in zip(row.values[:3], row.weights, strict=False))
    total = sum(weight for weight, _ in known)
    mean = sum((weight * part for weight, part in known), Fraction(0)) / total if total else Fraction(0)
    return mean if has_traded and mean > 0 else None


def cut(values: Sequence[tuple[Fraction, tuple[str, ...]]], rules: CutRules) -> list[str]:
    """The class of each, in the order given."""
    order = sorted(range(len(values)), key=lambda number: (-values[number][0], values[number][1]))
    seats, whole = quota_seats(len(values), rules.quota_shares), sum(value for value, _ in values)
    letters, before = [""] * len(values), Fraction(0)
    for place, number in enumerate(order):
        value = values[number][0]
        middle = {"midpoint": before + value / 2, "crossing_down": before + value, "crossing_up": before}
        share = middle[rules.cut_rule] / whole
        first, second = map(Fraction, rules.cumulative_cuts)
        is_open = rules.cut_rule == "crossing_up"
        by_share = "A" if share < first or (share == first and not is_open) else "B"
        if share > second or (share == second and is_open):
            by_share = "C"
        by_count = "A" if place < seats[0] else "B" if place < seats[0] + seats[1] else "C"
        letters[number] = "A" if place == 0 else by_count if rules.method == "quota" else by_share
        before += value
    return letters


def reference(rows: Sequence[Judged], rules: CutRules, who: int) -> Standing:
    scores = [(score(rows, row), row.key) for row in rows]
    ranked = [(value, key) for value, key in scores if value is not None]
    mine = scores[who]
    if mine[0] is None:
        return Standing(None, None)
    rank = 1 + sum((-value, key) < (-mine[0], mine[1]) for value, key in ranked)
    return Standing(cut(ranked, rules)[ranked.index(mine)], rank)  # type: ignore[arg-type]


def changed(rows: Sequence[Judged], who: int, indicator: str, change: int) -> list[Judged]:
    place = INDICATORS.index(indicator)
    values = list(rows[who].values)
    values[place] = (values[place] or 0) + change
    return [*rows[:who], rows[who]._replace(values=tuple(values)), *rows[who + 1 :]]


def worse(one: str | None, other: str | None) -> bool:
    return (one or "D") > (other or "D")


# --- strategies -------------------------------------------------------------------------------------------------------

RULES = st.builds(
    CutRules,
    method=st.sampled_from(["quota", "quota", "cumulative"]),
    quota_shares=st.sampled_from(
        [tuple(map(Decimal, ("0.2", "0.4", "0.4"))), tuple(map(Decimal, ("0.5", "0.2", "0.3")))]
    ),
    cumulative_cuts=st.sampled_from(
        [
            tuple(map(Decimal, ("0.55", "0.85"))),
            tuple(map(Decimal, ("0.3", "0.6"))),
            tuple(map(Decimal, ("0.5", "0.9"))),
        ]
    ),
    cut_rule=st.sampled_from(["midpoint", "crossing_down", "crossing_up"]),
)
VALUES = st.one_of(st.none(), st.integers(-2, 12))
WEIGHTS = st.sampled_from(
    [(2, None, 2, 1), (None, 2, 2, 1), (2, None, 2, 1), (None, None, None, None), (0, None, 3, 1)]
)


@st.composite
def crowds(draw: st.DrawFn) -> list[Judged]:
    rows = draw(st.lists(st.tuples(st.tuples(VALUES, VALUES, VALUES, VALUES), WEIGHTS), min_size=1, max_size=9))
    keys = draw(st.permutations([("demo", "main", f"{number}") for number in range(len(rows))]))
    return [Judged(key, values, weights) for key, (values, weights) in zip(keys, rows, strict=True)]


# --- the combined judgement -------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(crowds(), RULES, st.data())
def test_standing_rise_and_fall_are_those_of_the_classification(
    rows: list[Judged], rules: CutRules, data: st.DataObject
) -> None:
    who = data.draw(st.integers(0, len(rows) - 1))
    indicator = data.draw(st.sampled_from(INDICATORS))
    value, now = rows[who].values[INDICATORS.index(indicator)], reference(rows, rules, who)
    assert combined_standing(rows, rules, who) == now
    counts = bool(rows[who].weights[INDICATORS.index(indicator)]) and value is not None
    rises, falls = [], []
    if counts:
        after = [(change, reference(changed(rows, who, indicator, change), rules, who)) for change in range(1, 17)]
        rises = [Reach(change, *standing) for change, standing in after if worse(now.abc_class, standing.abc_class)]
        after = [
            (loss, reference(changed(rows, who, indicator, -loss), rules, who)) for loss in range(1, (value or 0) + 1)
        ]
        falls = [Reach(loss, *standing) for loss, standing in after if worse(standing.abc_class, now.abc_class)]
    assert combined_rise(rows, rules, who, indicator) == next(iter(rises), None)
    assert combined_fall(rows, rules, who, indicator) == next(iter(falls), None)


def crowd_of(*pairs: tuple[int | None, int | None]) -> list[Judged]:
    """Customers 1, 2, … with collections and gross profit; nobody has a brand share."""
    return [
        Judged(("demo", "main", f"{number:02d}"), (collected, None, profit, None), SIZE_AND_PROFIT)
        for number, (collected, profit) in enumerate(pairs, start=1)
    ]


def test_a_gain_that_is_just_enough() -> None:
    # Five customers, one seat in A: scores .9 .7 .5 .3 .1; the second passes the first with 501 more collections, as
    # then each of the two is first once (.9 + .7 against .7 + .9) and the smaller code decides.
    rows = crowd_of((1000, 50), (500, 40), (300, 30), (200, 20), (100, 10))
    assert combined_standing(rows, QUOTA, 1) == Standing("B", 2)
    assert combined_rise(rows, QUOTA, 1, "collections") is None
    rows[1] = rows[1]._replace(key=("demo", "main", "00"))
    assert combined_rise(rows, QUOTA, 1, "collections") == Reach(501, "A", 1)


def test_being_level_is_half_a_place() -> None:
    # Past the second and third the fourth has .7 and .3 as they have: .5 each, and his code puts him behind. Level with
    # the first he has .8 and .3.
    rows = crowd_of((900, 50), (300, 15), (200, 20), (50, 12), (40, 4))
    assert [combined_standing(rows, QUOTA, who).rank for who in range(5)] == [1, 2, 3, 4, 5]
    assert combined_rise(rows, QUOTA, 3, "collections") == Reach(850, "B", 2)
    assert combined_rise(rows, QUOTA, 3, "gross_profit") == Reach(38, "B", 2)


def test_what_cannot_be_reached_or_lost() -> None:
    rows = crowd_of((1000, 50), (500, None), (300, 30), (200, 20), (100, 10))
    assert combined_rise(rows, QUOTA, 0, "collections") is None  # in A already
    assert combined_rise(rows, QUOTA, 1, "gross_profit") is None  # unknown how much he has
    assert combined_rise(rows, QUOTA, 1, "sales") is None  # no part of his judgement
    assert combined_fall(crowd_of((5, 5)), QUOTA, 0, "collections") is None  # alone he is first, whatever he loses


def test_who_has_no_trade_reaches_the_lowest_class_with_one_cent() -> None:
    rows = crowd_of((1000, 50), (500, 40), (300, 30), (0, 0), (-20, 0))
    assert combined_standing(rows, QUOTA, 4) == Standing(None, None)
    assert combined_rise(rows, QUOTA, 4, "collections") == Reach(21, "C", 4)
    assert combined_rise(rows, QUOTA, 4, "brand_share") is None


# --- the marts' own classification, run again with the changed values -------------------------------------------------

CROWD = [
    Judged(("s", "main", f"c{number:02}"), values, weights)
    for number, (values, weights) in enumerate(
        [
            ((120_000_01, 5, 30_000_00, 400_000), (2, None, 2, 1)),
            ((95_000_00, 7, 8_000_00, None), (2, None, 2, 1)),
            ((80_000_50, 1, 21_000_00, None), (2, None, 2, 1)),
            ((80_000_50, 2, 9_000_00, 150_000), (2, None, 2, 1)),
            ((61_000_00, 3, None, None), (2, None, 2, 1)),
            ((40_000_00, 4, 9_000_00, 0), (2, None, 2, 1)),
            ((None, 70_000_00, 15_000_00, None), (None, 2, 2, 1)),
            ((22_000_00, 6, -500_00, None), (2, None, 2, 1)),
            ((None, 33_000_00, 3_000_00, 620_000), (None, 2, 2, 1)),
            ((10_000_00, 8, 2_000_00, None), (2, None, 2, 1)),
            ((0, 0, 0, None), (2, None, 2, 1)),
            ((-700_00, 9, 1_00, 50_000), (2, None, 2, 1)),
        ]
    )
]
"""Amounts in cents, brand shares in millionths; two customers of a source without receipts."""


def classified(populations: Sequence[Sequence[Judged]], rules: CutRules) -> list[dict[tuple[str, ...], Standing]]:
    """Class and rank of everyone by the expressions the marts are made by, populations side by side as periods."""
    rows = [(age, row) for age, rows in enumerate(populations) for row in rows]
    money = pa.decimal128(38, 6)

    def column(name: str) -> pa.Array:
        place, decimals = INDICATORS.index(name), 6 if name == "brand_share" else 2
        values = [row.values[place] for _, row in rows]
        return pa.array([None if value is None else Decimal(value).scaleb(-decimals) for value in values], money)

    values = ibis.memtable(
        pa.table(
            {
                **{
                    name: pa.array([row.key[place] for _, row in rows])
                    for place, name in enumerate(("source", "company_id", "customer_id"))
                },
                "is_internal": pa.array([False] * len(rows)),
                "tax_basis": pa.array(["net"] * len(rows)),
                **{name: column(name) for name in INDICATORS},
                "size_indicator": pa.array(["collections" if row.weights[0] else "sales" for _, row in rows]),
                "period_type": pa.array(["rolling"] * len(rows)),
                "period_age": pa.array([age for age, _ in rows], pa.int64()),
                "period_start_date": pa.nulls(len(rows), pa.date32()),
                "period_end_date": pa.array([date(2026, 3, 31)] * len(rows), pa.date32()),
            }
        )
    )
    of_policy = AbcRules(**asdict(rules))
    combined = with_classes(combined_ranks(values, indicator_ranks(values, of_policy), of_policy), of_policy)
    found: list[dict[tuple[str, ...], Standing]] = [{} for _ in populations]
    for row in fetch(ibis.duckdb.connect(), combined).to_pylist():
        key = (row["source"], row["company_id"], row["customer_id"])
        found[row["period_age"]][key] = Standing(row["abc_class"], row["value_rank"])
    return found


@pytest.mark.parametrize(
    "rules",
    [QUOTA, CutRules(method="cumulative"), CutRules(method="cumulative", cut_rule="crossing_down")],
    ids=lambda rules: f"{rules.method} {rules.cut_rule}",
)
def test_run_again_with_the_changed_value_the_class_is_the_one_promised(rules: CutRules) -> None:
    claims = [(who, name, sign) for who in range(len(CROWD)) for name in INDICATORS for sign in (1, -1)]
    promised = []
    for who, name, sign in claims:
        reach = (combined_rise if sign > 0 else combined_fall)(CROWD, rules, who, name)
        if reach is not None:
            promised.append((who, name, sign, reach))
    assert len(promised) > 12
    just_enough = [changed(CROWD, who, name, sign * reach.change) for who, name, sign, reach in promised]
    one_less = [changed(CROWD, who, name, sign * (reach.change - 1)) for who, name, sign, reach in promised]
    now, *after = classified([CROWD, *just_enough, *one_less], rules)
    assert now == {row.key: combined_standing(CROWD, rules, who) for who, row in enumerate(CROWD)}
    for (who, _, _, reach), then, before in zip(promised, after, after[len(promised) :], strict=False):
        key = CROWD[who].key
        assert then[key] == Standing(reach.abc_class, reach.rank)
        assert before[key].abc_class == now[key].abc_class != reach.abc_class


# --- one indicator ----------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=9), RULES, st.data())
def test_one_indicator_by_itself(values: list[int | None], rules: CutRules, data: st.DataObject) -> None:
    keys = data.draw(st.permutations([("demo", "main", f"{number}") for number in range(len(values))]))
    who = data.draw(st.integers(0, len(values) - 1))

    def standing(change: int) -> Standing:
        value = values[who]
        if value is None or value + change <= 0:
            return Standing(None, None)
        mine = (Fraction(value + change), keys[who])
        ranked = [
            (Fraction(other), key)
            for number, (other, key) in enumerate(zip(values, keys, strict=True))
            if number != who and other is not None and other > 0
        ] + [mine]
        rank = sorted(ranked, key=lambda one: (-one[0], one[1])).index(mine) + 1
        return Standing(cut(ranked, rules)[-1], rank)

    now = standing(0)
    assert single_standing(keys, values, rules, who) == now
    most = 3 * sum(value for value in values if value and value > 0) + 20  # beyond it only a tenth of a share is left
    better = (Reach(change, *standing(change)) for change in range(1, most))
    expected = next((reach for reach in better if worse(now.abc_class, reach.abc_class)), None)
    assert single_rise(keys, values, rules, who) == expected


@pytest.mark.parametrize(
    ("count", "seats"),
    [(1, (1, 0, 0)), (2, (1, 1, 0)), (4, (1, 2, 1)), (7, (1, 3, 3)), (10, (2, 4, 4)), (43, (9, 17, 17))],
)
def test_seats(count: int, seats: tuple[int, int, int]) -> None:
    assert quota_seats(count, QUOTA.quota_shares) == seats

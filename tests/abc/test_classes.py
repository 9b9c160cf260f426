"""ABC classes: the published table, the quota table, every cut rule on its edges, and a slow reference."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from abc_cases import AS_OF, RULES, classed_by_kehu, judged_by_kehu, letters, of, summed_by_kehu
from abc_reference import Customer, classed, quota, summary
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from kehu.tasks.abc_periods import window_start
from kehu.tasks.abc_rules import CUT_RULES

G1 = [
    131, 66, 54, 48, 44, 39, 37, 34, 28, 28, 27, 27, 26, 26, 25, 25, 24, 22, 21, 21, 21, 21, 18, 17, 17, 16, 16, 16,
    15, 15, 13, 11, 11, 10, 10, 10, 10, 9, 8, 6, 6, 6, 5,
]  # fmt: skip
"""Monthly sales of 43 customers in thousand yuan (销售与市场 1995 no. 2)."""


def test_the_published_table_of_43_customers_comes_out(engine: Backend) -> None:
    """G1: 12/15/16 with 563 000, 316 000, 161 000; the midpoint rule agrees on every label; the third rule does not."""
    rows = classed_by_kehu(engine, {"g1": of(*(value * 1000 for value in G1))})["g1"]
    for rule in ("midpoint", "crossing_down"):
        assert letters(rows, f"class_{rule}") == "A" * 12 + "B" * 15 + "C" * 16
    assert Counter(letters(rows, "class_crossing_up")) == {"A": 13, "B": 15, "C": 15}
    assert letters(rows, "class_quota") == "A" * 9 + "B" * 17 + "C" * 17
    sums = {
        letter: sum(row["indicator_value"] for row in rows.values() if row["class_midpoint"] == letter)
        for letter in "ABC"
    }
    assert sums == {"A": 563_000, "B": 316_000, "C": 161_000}


def test_the_published_table_is_cut_through_customers_of_equal_value(engine: Backend) -> None:
    """G1 itself splits the three customers of 16 at the line between B and C."""
    rows = classed_by_kehu(engine, {"g1": of(*G1)}, replace(RULES, method="cumulative"))["g1"]
    split = {row["indicator_value"] for row in rows.values() if row["is_tie_at_cut"]}
    assert split == {16}
    assert sum(row["is_tie_at_cut"] for row in rows.values()) == 3


CUTS = """
    60 20 20        ABC   ABC   ABB    a customer with 60 % is A: by the rule itself, or as the first (G14)
    50 40 10        ABC   ACC   AAC    40 % is no C (R3)
    32 31 20 17     AABC  ABBC  AABB   two heads of a third each are both A (R3)
    55 30 15        ABC   ABC   ABC    exactly on both lines: the bound belongs to the better class
    10 100          CA    CA    CA     any order of delivery
    40 30 30        AAB   ABC   AAB    midpoints exactly on both lines: 40 + 15 = 55 is A, 70 + 15 = 85 is B
    1               A     A     A      one customer is A by every rule
"""
"""Values, classes by midpoint, crossing_down, crossing_up, and what the case shows."""


@pytest.mark.parametrize("case", CUTS.strip().splitlines())
def test_each_cut_rule_on_its_edges(engine: Backend, case: str) -> None:
    values, midpoint, crossing_down, crossing_up, *_ = re.split(r"\s{2,}", case.strip())
    rows = classed_by_kehu(engine, {"case": of(*values.split())})["case"]
    found = [letters(rows, f"class_{rule}") for rule in CUT_RULES]
    assert found == [midpoint, crossing_down, crossing_up]


def test_a_cut_is_decided_where_a_quotient_would_round_across_it(engine: Backend) -> None:
    """One millionth beyond the line is beyond it, at sums where a double no longer shows the difference."""
    whole, bit = 10**12, Fraction(1, 10**6)
    above, below = Fraction(whole * 55, 100), Fraction(whole * 45, 100)
    cases = {"on": (above, below), "just below": (above - bit, below + bit), "just above": (above + bit, below - bit)}
    assert {float(first) / float(first + second) for first, second in cases.values()} == {0.55}
    found = classed_by_kehu(
        engine, {case: [Customer("s", str(n), value) for n, value in enumerate(pair)] for case, pair in cases.items()}
    )
    # What begins on the line or beyond it is B, what begins below it is A.
    assert {case: letters(rows, "class_crossing_up") for case, rows in found.items()} == {
        "on": "AB", "just below": "AA", "just above": "AB",
    }  # fmt: skip


QUOTA = {1: (1, 0, 0), 2: (1, 1, 0), 3: (1, 1, 1), 4: (1, 2, 1), 5: (1, 2, 2), 6: (1, 3, 2), 7: (1, 3, 3), 8: (2, 3, 3),
         9: (2, 4, 3), 10: (2, 4, 4), 43: (9, 17, 17), 100: (20, 40, 40)}  # fmt: skip


def test_places_by_quota(engine: Backend) -> None:
    """R18's table, and G15's hundred."""
    cases = {str(count): of(*range(1, count + 1)) for count in QUOTA}
    found = classed_by_kehu(engine, cases)
    counted = {
        count: tuple(Counter(row["class_quota"] for row in found[str(count)].values())[letter] for letter in "ABC")
        for count in QUOTA
    }
    assert counted == QUOTA
    assert {count: quota(count, [Fraction(1, 5), Fraction(2, 5), Fraction(2, 5)]) for count in QUOTA} == QUOTA


@pytest.mark.parametrize(
    "shares", [("0.05", "0.15", "0.80"), ("0.333", "0.333", "0.334"), ("0", "0.5", "0.5"), ("0.1", "0.6", "0.3")]
)
def test_places_by_other_quotas_agree_with_the_reference(engine: Backend, shares: tuple[str, ...]) -> None:
    rules = replace(RULES, quota_shares=tuple(Decimal(share) for share in shares))
    cases = {str(count): of(*range(1, count + 1)) for count in range(1, 25)}
    counted = {
        int(case): tuple(Counter(row["class_quota"] for row in rows.values())[letter] for letter in "ABC")
        for case, rows in classed_by_kehu(engine, cases, rules).items()
    }
    assert counted == {count: quota(count, [Fraction(share) for share in shares]) for count in counted}


def test_who_is_not_ranked_has_a_reason_and_no_numbers(engine: Backend) -> None:
    customers = [
        Customer("s", "good", Fraction(10)),
        Customer("s", "internal", Fraction(99), is_internal=True),
        Customer("s", "missing", None),
        Customer("s", "negative", Fraction(-5)),
        Customer("s", "zero", Fraction(0)),
    ]
    found, summed = judged_by_kehu(engine, {"case": customers}, RULES)
    rows, told = found["case"], summed["case"]
    reasons = {key[1]: row["class_reason"] for key, row in rows.items()}
    assert reasons == {
        "good": None, "internal": "internal", "missing": "missing", "negative": "negative", "zero": "no_trade",
    }  # fmt: skip
    empty = (
        "abc_class",
        "class_quota",
        "class_cumulative",
        "value_rank",
        "value_share",
        "cumulative_share",
        "midpoint_share",
    )
    assert {row[name] for key, row in rows.items() if key[1] != "good" for name in empty} == {None}
    assert (rows[("s", "good")]["abc_class"], rows[("s", "good")]["value_share"]) == ("A", 1)
    counts = [told[f"{name}_customers"] for name in ("ranked", "no_trade", "negative", "missing", "internal")]
    assert (counts, told["customers"], told["total_value"], told["ranked_value"]) == ([1, 1, 1, 1, 1], 5, 104, 10)


def test_nobody_to_rank_leaves_everything_open(engine: Backend) -> None:
    told = summed_by_kehu(engine, {"case": of(0, -1)})["case"]
    empty = ("value_share_a", "ratio_actual", "ratio_deviation", "top_1_share", "gini", "herfindahl", "is_concentrated",
             "customers_for_80_percent")  # fmt: skip
    assert {told[name] for name in empty} == {None}
    assert (told["quota_a"], told["midpoint_a"], told["ranked_value"]) == (0, 0, 0)


def test_ties_go_by_source_and_code_and_are_shown(engine: Backend) -> None:
    customers = [Customer(source, code, Fraction(7)) for source in ("b", "a") for code in ("2", "1", "3")]
    rows = classed_by_kehu(engine, {"case": customers})["case"]
    order = [key for key, _ in sorted(rows.items(), key=lambda item: item[1]["value_rank"])]
    assert order == [("a", "1"), ("a", "2"), ("a", "3"), ("b", "1"), ("b", "2"), ("b", "3")]
    assert {row["is_tie_at_cut"] for row in rows.values()} == {True}
    alone = classed_by_kehu(engine, {"case": of(3, 2, 1)})["case"]
    assert {row["is_tie_at_cut"] for row in alone.values()} == {False}


def test_a_thousand_customers_without_trade_move_nobody(engine: Backend) -> None:
    traders = of(*G1)
    idle = [Customer("a", f"idle{n}", Fraction(0)) for n in range(1000)]
    found = classed_by_kehu(engine, {"alone": traders, "crowd": [*idle, *traders]})
    verdicts = ("abc_class", "class_quota", "class_cumulative", "value_rank", "value_share", "is_tie_at_cut")
    for key, row in found["alone"].items():
        assert {name: found["crowd"][key][name] for name in verdicts} == {name: row[name] for name in verdicts}


_VALUES = st.one_of(
    st.sampled_from([Fraction(0), Fraction(1), Fraction(100), Fraction(-3), Fraction(55), Fraction(45), Fraction(30)]),
    st.integers(-(10**9), 10**11).map(lambda cents: Fraction(cents, 100)),
)
_CUSTOMERS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(1, 60), st.one_of(_VALUES, st.none()), st.integers(0, 9)),
    min_size=1, max_size=30, unique_by=lambda drawn: drawn[:2],
).map(lambda drawn: [Customer(source, f"{n:02}", value, luck == 0) for source, n, value, luck in drawn])  # fmt: skip


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    populations=st.lists(_CUSTOMERS, min_size=1, max_size=12),
    method=st.sampled_from(["quota", "cumulative"]),
    cut_rule=st.sampled_from(["midpoint", "crossing_down", "crossing_up"]),
    cuts=st.sampled_from([("0.55", "0.85"), ("0.8", "0.95"), ("0.5", "0.75"), ("0.333333", "0.666667")]),
)
def test_expressions_agree_with_the_slow_reference(
    engine: Backend, populations: list[list[Customer]], method: str, cut_rule: str, cuts: tuple[str, str]
) -> None:
    rules = replace(RULES, method=method, cut_rule=cut_rule, cumulative_cuts=tuple(Decimal(cut) for cut in cuts))
    cases = {f"case{n:02}": customers for n, customers in enumerate(populations)}
    found, told = judged_by_kehu(engine, cases, rules)
    for case, customers in cases.items():
        expected = classed(customers, rules)
        assert found[case].keys() == expected.keys()
        for key, row in expected.items():
            names = [name for name in row if name != "value"]
            assert {name: found[case][key][name] for name in names} == {name: row[name] for name in names}
        measured = summary(customers)
        assert {name: told[case][name] for name in measured} == measured
        counts = ("ranked", "no_trade", "negative", "missing", "internal")
        assert sum(told[case][f"{name}_customers"] for name in counts) == told[case]["customers"] == len(customers)
        for rule in ("quota", "midpoint", "crossing_down", "crossing_up"):
            assert sum(told[case][f"{rule}_{letter}"] for letter in "abc") == told[case]["ranked_customers"]


@pytest.mark.parametrize(
    ("as_of", "months", "first_day"),
    [
        (date(2016, 5, 31), 12, date(2015, 6, 1)),
        (date(2017, 12, 31), 12, date(2017, 1, 1)),
        (date(2024, 6, 15), 12, date(2023, 6, 16)),
        (date(2024, 2, 29), 12, date(2023, 3, 1)),
        (date(2025, 2, 28), 12, date(2024, 3, 1)),
        (date(2024, 6, 30), 1, date(2024, 6, 1)),
        (date(2024, 5, 30), 3, date(2024, 3, 1)),
        (date(2024, 3, 31), 1, date(2024, 3, 1)),
        (date(2024, 1, 15), 1, date(2023, 12, 16)),
        (date(2024, 12, 31), 24, date(2023, 1, 1)),
    ],
)
def test_the_window_ends_on_the_judged_day(as_of: date, months: int, first_day: date) -> None:
    assert window_start(as_of, months) == first_day


def test_all_history_has_no_first_day() -> None:
    assert window_start(AS_OF, "all") is None

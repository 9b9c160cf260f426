"""The combined judgement (R23): percentile ranks, missing weight, conflicts, and a slow reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest
from abc_reference import published
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend
from judgement_reference import PARTS, Key, Trader, judged

from kehu.tasks.abc import (
    combined_ranks,
    combined_scores,
    conflict_and_points,
    indicator_ranks,
    with_classes,
    with_combined_class,
)
from kehu.tasks.abc_rules import CUT_RULES, AbcRules
from kehu.tasks.build import fetch

RULES = AbcRules()
MONEY = pa.decimal128(38, 6)


def _decimal(value: Fraction | None) -> Decimal | None:
    return None if value is None else Decimal(round(value * 10**6)).scaleb(-6)


def values_of(traders: Sequence[Trader], *, size_by: str = "collections") -> ir.Table:
    """The traders as the values of one period."""
    count = len(traders)
    size = pa.array([_decimal(trader.size) for trader in traders], MONEY)
    nothing = pa.nulls(count, MONEY)
    return ibis.memtable(
        pa.table(
            {
                "source": pa.array([trader.source for trader in traders], pa.string()),
                "company_id": pa.array(["main"] * count, pa.string()),
                "customer_id": pa.array([trader.customer_id for trader in traders], pa.string()),
                "is_internal": pa.array([trader.is_internal for trader in traders], pa.bool_()),
                "tax_basis": pa.array(["net"] * count, pa.string()),
                "collections": size if size_by == "collections" else nothing,
                "sales": size if size_by == "sales" else pa.array([Decimal(0)] * count, MONEY),
                "gross_profit": pa.array([_decimal(trader.gross_profit) for trader in traders], MONEY),
                "brand_share": pa.array([_decimal(trader.brand_share) for trader in traders], MONEY),
                "size_indicator": pa.array([size_by] * count, pa.string()),
                "period_type": pa.array(["rolling"] * count, pa.string()),
                "period_age": pa.array([0] * count, pa.int64()),
                "period_start_date": pa.nulls(count, pa.date32()),
                "period_end_date": pa.array([date(2024, 6, 30)] * count, pa.date32()),
            }
        )
    )


def judged_by_kehu(
    engine: Backend, traders: Sequence[Trader], rules: AbcRules = RULES, *, size_by: str = "collections"
) -> dict[Key, dict[str, Any]]:
    """The combined rows by customer."""
    values = values_of(traders, size_by=size_by)
    rows = with_classes(combined_ranks(values, indicator_ranks(values, rules), rules), rules)
    return {(row["source"], row["customer_id"]): row for row in fetch(engine, rows).to_pylist()}


def trader(code: str, size: object, profit: object, brand: object = None) -> Trader:
    """A customer of one source; None where a value is not known."""
    values = [None if value is None else Fraction(str(value)) for value in (size, profit, brand)]
    return Trader("s", code, *values)


def test_five_customers_by_hand(engine: Backend) -> None:
    """Percentiles of five: .9 .7 .5 .3 .1. Weights .4 and .4 without brand share are a half each."""
    found = judged_by_kehu(
        engine,
        [trader("a", 500, 10), trader("b", 400, 50), trader("c", 300, 40), trader("d", 200, 30), trader("e", 100, 20)],
    )
    scores = {key[1]: row["percentile_rank"] for key, row in found.items()}
    assert scores == {"a": Decimal("0.5"), "b": Decimal("0.8"), "c": Decimal("0.6"), "d": Decimal("0.4"),
                      "e": Decimal("0.2")}  # fmt: skip
    assert [found[("s", code)]["abc_class"] for code in "bcade"] == ["A", "B", "B", "C", "C"]
    assert {row["weight_size"] for row in found.values()} == {Decimal("0.5")}
    assert {row["weight_brand_share"] for row in found.values()} == {0}


def test_the_combination_keeps_one_two_two_where_points_would_round_up(engine: Backend) -> None:
    """R23: with a size order and a profit order that differ, classes by points grow; by rank they stay 20/40/40."""
    traders = [trader(f"{n:02}", 100 - n, (n * 7) % 50 + 1) for n in range(50)]
    found = judged_by_kehu(engine, traders)
    assert Counter(row["abc_class"] for row in found.values()) == {"A": 10, "B": 20, "C": 20}


@pytest.mark.parametrize(("method", "cut_rule"), [("quota", "midpoint"), *(("cumulative", rule) for rule in CUT_RULES)])
def test_the_history_gives_the_classes_of_the_mart(engine: Backend, method: str, cut_rule: str) -> None:
    rules = replace(RULES, method=method, cut_rule=cut_rule)
    traders = [trader(f"{n:02}", 40 - n, (n * 7) % 20 - 2) for n in range(40)]
    of_mart = {key: row["abc_class"] for key, row in judged_by_kehu(engine, traders, rules).items()}
    values = values_of(traders)
    rows = with_combined_class(combined_scores(values, indicator_ranks(values, rules), rules), rules)
    alone = {(row["source"], row["customer_id"]): row["abc_class"] for row in fetch(engine, rows).to_pylist()}
    assert alone == of_mart
    assert set(of_mart.values()) == {"A", "B", "C"}


def test_a_missing_brand_share_gives_its_weight_to_the_others(engine: Backend) -> None:
    found = judged_by_kehu(
        engine, [trader("with", 1, 1, "0.5"), trader("without", 1, 1), trader("profitless", 2, None)]
    )
    weights = {key[1]: tuple(row[f"weight_{part}"] for part in PARTS) for key, row in found.items()}
    assert weights == {
        "with": (Decimal("0.4"), Decimal("0.4"), Decimal("0.2")),
        "without": (Decimal("0.5"), Decimal("0.5"), 0),
        "profitless": (1, 0, 0),
    }


def test_who_is_not_judged_has_a_reason(engine: Backend) -> None:
    found = judged_by_kehu(
        engine,
        [
            trader("good", 5, 1), trader("unpaid", 0, 3), trader("loss", 5, -2), trader("refunded", -5, 0),
            trader("idle", 0, 0), trader("unknown", None, None), trader("brand_only", 0, 0, "0.9"),
            replace(trader("ours", 9, 9), is_internal=True),
        ],
    )  # fmt: skip
    assert {key[1]: row["class_reason"] for key, row in found.items()} == {
        "good": None, "unpaid": None, "loss": None, "refunded": "negative", "idle": "no_trade", "unknown": "missing",
        "brand_only": "no_trade", "ours": "internal",
    }  # fmt: skip
    assert {row["abc_class"] for row in found.values() if row["class_reason"]} == {None}


def test_idle_customers_move_nobody(engine: Backend) -> None:
    """R18 for the combined class."""
    traders = [trader(f"{n:02}", 100 - n, (n * 7) % 50 + 1, "0.3" if n % 3 else None) for n in range(20)]
    idle = [trader(f"idle{n:03}", 0, 0) for n in range(200)]
    alone, crowd = judged_by_kehu(engine, traders), judged_by_kehu(engine, [*idle, *traders])
    for key, row in alone.items():
        assert [crowd[key][name] for name in ("abc_class", "value_rank", "percentile_rank")] == [
            row[name] for name in ("abc_class", "value_rank", "percentile_rank")
        ]


@pytest.mark.parametrize(
    ("classes", "known", "is_conflict", "points"),
    [
        (("A", "A", None), "110", False, "3"),
        (("A", "C", None), "110", True, "2"),
        (("A", "B", "C"), "111", True, "2.2"),
        (("B", "C", None), "110", False, "1.5"),
        (("B", "-", None), "110", True, "1"),  # a loss stands one below C
        (("C", "-", None), "110", False, "0.5"),
        (("A", None, None), "110", False, "1.5"),  # who bought nothing has no profit to compare
        (("A", None, None), "100", False, "3"),  # profit unknown: nothing to conflict with
    ],
)
def test_conflicts_and_points(
    engine: Backend, classes: tuple[str | None, ...], known: str, is_conflict: bool, points: str
) -> None:
    row = ibis.memtable(
        pa.table(
            {
                part: pa.array([letter if letter != "-" else None], pa.string())
                for part, letter in zip(PARTS, classes, strict=True)
            }
            | {f"negative_{part}": pa.array([letter == "-"]) for part, letter in zip(PARTS, classes, strict=True)}
            | {f"known_{part}": pa.array([flag == "1"]) for part, flag in zip(PARTS, known, strict=True)}
        )
    )
    conflict, weighted = conflict_and_points(
        {part: row[part] for part in PARTS},
        {part: row[f"known_{part}"] for part in PARTS},
        {part: row[f"negative_{part}"] for part in PARTS},
        RULES,
    )
    assert fetch(engine, row.select(conflict=conflict, points=weighted)).to_pylist() == [
        {"conflict": is_conflict, "points": Decimal(points)}
    ]


_VALUE = st.one_of(
    st.none(),
    st.sampled_from([0, 1, 2, 2, 3, -1]).map(Fraction),
    st.integers(-(10**6), 10**9).map(lambda cents: Fraction(cents, 100)),
)
_TRADERS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(1, 40), _VALUE, _VALUE, _VALUE, st.integers(0, 9)),
    min_size=1,
    max_size=25,
    unique_by=lambda drawn: drawn[:2],
).map(lambda drawn: [Trader(s, f"{n:02}", size, gp, brand, luck == 0) for s, n, size, gp, brand, luck in drawn])


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],  # each case is a query: looking for a smaller one takes minutes
)
@given(
    traders=_TRADERS,
    weights=st.sampled_from(
        [("0.4", "0.4", "0.2"), ("0.5", "0.5", "0"), ("0.37", "0.31", "0.32"), ("0.1", "0", "0.9")]
    ),
    method=st.sampled_from(["quota", "cumulative"]),
    size_by=st.sampled_from(["collections", "sales"]),
)
def test_expressions_agree_with_the_slow_reference(
    engine: Backend, traders: list[Trader], weights: tuple[str, ...], method: str, size_by: str
) -> None:
    rules = replace(RULES, weights=tuple(Decimal(weight) for weight in weights), method=method)
    found = judged_by_kehu(engine, traders, rules, size_by=size_by)
    expected = judged(traders, rules)
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        names = ("abc_class", "value_rank", "class_reason")
        assert {name: found[key][name] for name in names} == {name: row[name] for name in names}, key
        assert found[key]["percentile_rank"] == (None if row["score"] is None else published(row["score"]))
        for part in PARTS:
            share = row["weights"][part]
            assert (found[key][f"weight_{part}"] or 0) == (0 if share is None else published(share))

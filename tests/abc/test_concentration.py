"""Concentration by hand on four customers, and its inclusive bounds."""

from __future__ import annotations

from decimal import Decimal

import pytest
from abc_cases import of, summed_by_kehu
from ibis.backends.duckdb import Backend


def test_four_customers_by_hand(engine: Backend) -> None:
    """4, 3, 2, 1: T = 10; Gini = (3·4 + 1·3 − 1·2 − 3·1) ÷ 40; Herfindahl = (16 + 9 + 4 + 1) ÷ 100."""
    told = summed_by_kehu(engine, {"case": of(1, 4, 2, 3)})["case"]
    assert told["gini"] == Decimal("0.25")
    assert told["herfindahl"] == Decimal("0.3")
    assert [told[name] for name in ("top_1_share", "top_5_share", "top_10_share")] == [Decimal("0.4"), 1, 1]
    # One customer of four is 25 %, and 20 % rounded up.
    assert [told[f"top_{p}_percent_share"] for p in (20, 25)] == [Decimal("0.4"), Decimal("0.4")]
    assert told["customers_for_80_percent"] == 3
    assert told["ratio_actual"] == "1:2:1"
    # Shares .25/.5/.25 against .2/.4/.4: a quarter less a tenth of the customers would have to move.
    assert told["ratio_deviation"] == Decimal("0.15")
    assert [told[f"value_share_{letter}"] for letter in "abc"] == [Decimal("0.4"), Decimal("0.5"), Decimal("0.1")]
    assert told["is_concentrated"] is True


def test_equal_customers_are_not_concentrated(engine: Backend) -> None:
    told = summed_by_kehu(engine, {"case": of(*[5] * 20)})["case"]
    assert (told["gini"], told["herfindahl"], told["customers_for_80_percent"]) == (0, Decimal("0.05"), 16)
    assert told["is_concentrated"] is False


@pytest.mark.parametrize(("largest", "is_concentrated"), [("30", True), ("29.999999", False)])
def test_the_bound_of_the_largest_is_inclusive(engine: Backend, largest: str, is_concentrated: bool) -> None:
    told = summed_by_kehu(engine, {"case": of(largest, *[1] * 70)})["case"]
    assert told["is_concentrated"] is is_concentrated


def test_the_bound_of_the_five_largest_is_inclusive(engine: Backend) -> None:
    cases = {"at": of(*[10] * 5, *[1] * 50), "below": of(*[10] * 5, *[1] * 49, "1.000001")}
    told = summed_by_kehu(engine, cases)
    assert [told[case]["is_concentrated"] for case in ("at", "below")] == [True, False]

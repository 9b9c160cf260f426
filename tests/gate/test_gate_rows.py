"""Row rules at the gate: tolerated shares, severities, keys shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest


def lines(count: int, broken: int = 0, rule: str = "customer_id_required", **stated: Any) -> list[dict[str, Any]]:
    rows = []
    for number in range(count):
        row = {"document_type": "order", "document_id": f"D{number:04d}", "line_id": "1", "customer_id": "C1", **stated}
        rows.append({**row, "broken": [rule]} if number < broken else row)
    return rows


def result_of(receipt: Any, rule: str) -> Any:
    (result,) = [result for result in receipt.results if result.rule == rule]
    return result


def test_clean_batch_is_open(land: Any, judge: Any) -> None:
    receipt = judge(land("sales_line", lines(10), rules=["customer_id_required"]))
    assert receipt.status == "open"
    assert all(result.is_passed for result in receipt.results)
    assert result_of(receipt, "customer_id_required").rows_checked == 10
    assert result_of(receipt, "key_repeated").rows_checked == 10


@pytest.mark.parametrize(
    ("broken", "status"),
    [(0, "open"), (4, "open"), (5, "open"), (6, "closed"), (100, "closed")],
    ids=["none", "below", "share equals the tolerance", "just above", "all"],
)
def test_quarantined_share_closes_the_gate_above_its_tolerance(land: Any, judge: Any, broken: int, status: str) -> None:
    receipt = judge(land("sales_line", lines(100, broken)))
    assert receipt.status == status
    if broken:
        assert result_of(receipt, "customer_id_required").rows_failed == broken


@pytest.mark.parametrize("tolerance", ["0.005", "0.015", "0.1", "0.29", "0.333", "0.57"])
def test_a_share_equal_to_the_tolerance_passes_whatever_its_digits(land: Any, judge: Any, tolerance: str) -> None:
    at_the_bound = int(Decimal(tolerance) * 1000)
    passes = judge(land("sales_line", lines(1000, at_the_bound)), gate__rows_broken_tolerance=Decimal(tolerance))
    fails = judge(land("sales_line", lines(1000, at_the_bound + 1)), gate__rows_broken_tolerance=Decimal(tolerance))
    assert result_of(passes, "customer_id_required").is_passed
    assert not result_of(fails, "customer_id_required").is_passed


def test_five_keys_at_most_smallest_first(land: Any, judge: Any) -> None:
    rows = lines(20, 20)
    receipt = judge(land("sales_line", list(reversed(rows))))
    assert result_of(receipt, "customer_id_required").example_keys == tuple(f"order/D{n:04d}/1" for n in range(5))

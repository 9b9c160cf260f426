"""Row rules at the gate: tolerated shares, severities, keys shown, nothing else shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb
import pytest

from kehu.tasks.gate import GateReceipt, QualityResult


def lines(count: int, broken: int = 0, rule: str = "customer_id_required", **stated: Any) -> list[dict[str, Any]]:
    """So many order lines, the first of which break a rule."""
    rows = []
    for number in range(count):
        row = {"document_type": "order", "document_id": f"D{number:04d}", "line_id": "1", "customer_id": "C1", **stated}
        rows.append({**row, "broken": [rule]} if number < broken else row)
    return rows


def found(receipt: GateReceipt, rule: str) -> QualityResult:
    """The only result of that rule."""
    (result,) = [result for result in receipt.results if result.rule == rule]
    return result


def test_clean_batch_is_open(land: Any, judge: Any) -> None:
    receipt = judge(land("sales_line", lines(10), rules=["customer_id_required"]))
    assert receipt.status == "open"
    assert receipt.failed == ()
    assert found(receipt, "customer_id_required").rows_checked == 10
    assert found(receipt, "key_repeated").rows_checked == 10


@pytest.mark.parametrize(
    ("broken", "status"),
    [(0, "open"), (4, "open"), (5, "open"), (6, "closed"), (100, "closed")],
    ids=["none", "below", "share equals the tolerance", "just above", "all"],
)
def test_quarantined_share_closes_the_gate_above_its_tolerance(land: Any, judge: Any, broken: int, status: str) -> None:
    receipt = judge(land("sales_line", lines(100, broken), rules=["customer_id_required"]))
    assert receipt.status == status
    result = found(receipt, "customer_id_required")
    assert (result.rows_checked, result.rows_failed, result.severity) == (100, broken, "block")
    assert result.is_passed == (status == "open")


@pytest.mark.parametrize("tolerance", ["0.005", "0.015", "0.1", "0.29", "0.333", "0.57"])
def test_a_share_equal_to_the_tolerance_passes_whatever_its_digits(land: Any, judge: Any, tolerance: str) -> None:
    at_the_bound = int(Decimal(tolerance) * 1000)
    policy = {"gate.rows_broken_tolerance": tolerance}
    passes = judge(land("sales_line", lines(1000, at_the_bound)), policy=policy)
    fails = judge(land("sales_line", lines(1000, at_the_bound + 1)), policy=policy)
    assert found(passes, "customer_id_required").is_passed
    assert not found(fails, "customer_id_required").is_passed


def test_dropped_rows_are_not_asked_about(land: Any, judge: Any) -> None:
    dropped = [{**row, "dropped": True} for row in lines(50, 50)]
    receipt = judge(land("sales_line", [*lines(10), *dropped]))
    result = found(receipt, "customer_id_required")
    assert (result.rows_checked, result.rows_failed) == (10, 0)


def test_a_feeds_own_tolerance_replaces_the_policy(land: Any, judge: Any) -> None:
    own = {"customer_id_required": Decimal("0.3")}
    receipt = judge(land("sales_line", lines(100, 25), tolerances=own))
    assert receipt.status == "open"
    assert found(receipt, "customer_id_required").tolerance == Decimal("0.3")


def test_tolerances_of_several_feeds_are_weighted_by_their_rows(land: Any, judge: Any) -> None:
    rule = "customer_id_required"
    lenient = land("sales_line", lines(100), rules=[rule], tolerances={rule: Decimal("0.35")}, file_name="a.csv")
    strict = land("sales_line", lines(200, 31), file_name="b.csv")
    receipt = judge(lenient, strict)
    result = found(receipt, rule)
    assert result.tolerance == Decimal("0.15")
    assert (result.rows_checked, result.rows_failed, result.is_passed) == (300, 31, True)


def test_rules_that_only_warn_never_close_the_gate(land: Any, judge: Any) -> None:
    rows = [{"customer_id": f"C{number}", "broken": ["uscc_check_digit"]} for number in range(4)]
    receipt = judge(land("customer", rows, rows_accepted=4, rows_quarantined=0))
    assert receipt.status == "warned"
    assert found(receipt, "uscc_check_digit").severity == "warn"


def test_a_feeds_own_tolerance_silences_a_warning(land: Any, judge: Any) -> None:
    rows = [{"customer_id": "C1"}, {"customer_id": "C2", "broken": ["uscc_check_digit"]}]
    receipt = judge(land("customer", rows, rows_accepted=2, tolerances={"uscc_check_digit": Decimal("0.5")}))
    assert receipt.status == "open"


def test_five_keys_at_most_smallest_first(land: Any, judge: Any) -> None:
    receipt = judge(land("sales_line", list(reversed(lines(20, 20)))))
    assert found(receipt, "customer_id_required").example_keys == tuple(f"order/D{n:04d}/1" for n in range(5))


def test_a_key_is_shown_once_and_a_missing_one_by_its_row(land: Any, judge: Any) -> None:
    twice = [{"customer_id": "C2", "broken": ["duplicate_key"]}] * 2
    without = [{"broken": ["customer_id_required"]}]
    receipt = judge(land("customer", [*twice, *without]))
    assert found(receipt, "duplicate_key").example_keys == ("C2",)
    assert found(receipt, "customer_id_required").example_keys == ("row 4",)


def test_a_key_with_a_missing_part_shows_the_rest(land: Any, judge: Any) -> None:
    receipt = judge(land("sales_line", lines(1, 1, "line_id_required", line_id=None)))
    assert found(receipt, "line_id_required").example_keys == ("order/D0000/?",)


def test_passed_rules_show_no_keys(land: Any, judge: Any) -> None:
    receipt = judge(land("sales_line", lines(100, 3)))
    assert found(receipt, "customer_id_required").rows_failed == 3
    assert found(receipt, "customer_id_required").example_keys == ()


def test_a_rule_the_contract_does_not_know_is_asked_too(land: Any, judge: Any) -> None:
    receipt = judge(land("sales_line", lines(10, 10, "own_rule")))
    result = found(receipt, "own_rule")
    assert (result.severity, result.is_passed, result.rows_failed) == ("block", False, 10)


def test_one_suite_an_entity_over_all_its_files(land: Any, judge: Any) -> None:
    receipt = judge(
        land("sales_line", lines(60, 3), file_name="a.csv"),
        land("customer", [{"customer_id": "C1"}], rules=["customer_id_required"]),
        land("sales_line", lines(40, 3), file_name="b.csv", rules=["amount_missing"]),
    )
    assert {result.suite for result in receipt.results} == {"customer", "sales_line"}
    (of_lines,) = [r for r in receipt.results if r.suite == "sales_line" and r.rule == "customer_id_required"]
    assert (of_lines.rows_checked, of_lines.rows_failed, of_lines.is_passed) == (100, 6, False)
    # Only one of the two files was asked: the other has no such flag, and null is not "holds".
    assert found(receipt, "amount_missing").rows_checked == 40


def test_the_engine_is_left_as_it_was(land: Any, judge: Any, con: duckdb.DuckDBPyConnection) -> None:
    judge(land("sales_line", lines(3)))
    assert con.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchone() == (0,)
    assert con.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (0,)


def test_the_order_of_rows_and_files_changes_nothing(land: Any, judge: Any) -> None:
    first, second = lines(50, 20), lines(30, 30, "amount_missing")
    there = judge(land("sales_line", first, file_name="a.csv"), land("sales_line", second, file_name="b.csv"))
    back = judge(
        land("sales_line", second[::-1], file_name="b.csv"), land("sales_line", first[::-1], file_name="a.csv")
    )
    assert there == back

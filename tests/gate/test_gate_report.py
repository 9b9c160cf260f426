"""What the gate hands on: the error, the rows of dq_result and dq_quarantine."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from kehu.config.errors import EXIT_GATE_CLOSED
from kehu.schemas.rendering import arrow_schema
from kehu.schemas.tables import DQ_QUARANTINE, DQ_RESULT
from kehu.tasks.conformed import BrokenRule
from kehu.tasks.gate import GateReceipt, QualityResult, gate_closed_error, quality_rows, quarantine_rows

AS_OF = date(2024, 3, 5)
RUN = "2024-03-05-0123456789ab"


def result(rule: str, severity: str = "block", failed: int = 0, **stated: Any) -> QualityResult:
    """A result; failed where any row is."""
    facts: dict[str, Any] = {
        "suite": "sales_line",
        "sentence": f"{rule} is asked",
        "rows_checked": 100,
        "tolerance": Decimal("0.05"),
    }
    return QualityResult(rule=rule, severity=severity, is_passed=not failed, rows_failed=failed, **(facts | stated))  # type: ignore[arg-type]


def test_the_error_lists_every_broken_blocking_rule_and_what_to_type() -> None:
    receipt = GateReceipt(
        "closed",
        (
            result("fine"),
            result("key_repeated", failed=1, tolerance=Decimal(0), example_keys=("order/D1/1",)),
            result("delivery_too_old", "warn", failed=1),
            result(
                "quantity_total_differs",
                failed=2,
                tolerance=Decimal(0),
                observed="a.csv row 9: printed 2, rows sum to 1",
            ),
            result("customer_id_required", failed=30, example_keys=("order/D1/1", "order/D2/1")),
        ),
    )
    error = gate_closed_error(receipt)
    assert error.exit_code == EXIT_GATE_CLOSED
    assert error.code == "gate_closed"
    assert error.count is None
    assert error.lines() == [
        "The gate is closed: 3 blocking rules are broken by tonight's batch. Nothing is published.",
        "  rule sales_line.key_repeated, sales_line.quantity_total_differs, sales_line.customer_id_required",
        "  sales_line.key_repeated: 1 of 100 (none is tolerated): key_repeated is asked",
        "    keys order/D1/1",
        "  sales_line.quantity_total_differs: 2 of 100 (none is tolerated): quantity_total_differs is asked",
        "    seen a.csv row 9: printed 2, rows sum to 1",
        "  sales_line.customer_id_required: 30 of 100 (more than the 5 % tolerated): customer_id_required is asked",
        "    keys order/D1/1, order/D2/1",
        "  → kehu quarantine list",
    ]


def test_one_broken_rule_reads_as_one() -> None:
    error = gate_closed_error(GateReceipt("closed", (result("key_repeated", failed=1),)))
    assert error.message == "The gate is closed: 1 blocking rule is broken by tonight's batch. Nothing is published."


def test_results_become_rows_of_the_contract() -> None:
    receipt = GateReceipt(
        "closed", (result("b", failed=6, example_keys=("K1", "K2")), result("a", "warn", suite="customer"))
    )
    rows = quality_rows(receipt, AS_OF, RUN)
    assert rows.schema == arrow_schema(DQ_RESULT)
    assert [(row["suite"], row["rule"], row["is_passed"]) for row in rows.to_pylist()] == [
        ("customer", "a", True),
        ("sales_line", "b", False),
    ]
    assert rows.to_pylist()[1] == {
        "as_of": AS_OF, "run_id": RUN, "suite": "sales_line", "rule": "b", "sentence": "b is asked",
        "severity": "block", "is_passed": False, "rows_checked": 100, "rows_failed": 6,
        "tolerance": Decimal("0.050000"), "observed": None, "example_keys": "K1, K2",
    }  # fmt: skip


def test_no_results_are_no_rows() -> None:
    assert quality_rows(GateReceipt("open", ()), AS_OF, RUN).num_rows == 0


def test_what_was_put_aside_becomes_rows_of_the_contract(land: Any) -> None:
    broken = tuple(
        BrokenRule(rule, f"{rule} is asked", count, ("K1",))
        for rule, count in (("customer_id_required", 2), ("amount_missing", 1))
    )
    later = land("sales_line", [], file_name="b.csv", broken_rules=broken)
    first = land("sales_line", [], file_name="a.csv", broken_rules=broken[:1], delivery_id=later.delivery_id)
    rows = quarantine_rows([later, first], AS_OF, RUN)
    assert rows.schema == arrow_schema(DQ_QUARANTINE)
    assert [(row["file_name"], row["rule"], row["row_count"]) for row in rows.to_pylist()] == [
        ("a.csv", "customer_id_required", 2),
        ("b.csv", "amount_missing", 1),
        ("b.csv", "customer_id_required", 2),
    ]


def test_the_whole_way_from_broken_rows_to_the_error(land: Any, judge: Any) -> None:
    rows = [{"customer_id": f"C{n}", "broken": ["company_id_required"] if n else []} for n in range(8)]
    receipt = judge(land("customer", rows))
    assert "  customer.company_id_required: 7 of 8 (more than the 5 % tolerated): `company_id` is given" in (
        gate_closed_error(receipt).lines()
    )
    assert "    keys C1, C2, C3, C4, C5" in gate_closed_error(receipt).lines()

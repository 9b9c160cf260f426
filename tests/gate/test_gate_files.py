"""What the gate asks beyond rows: keys, references, totals, empty files, history, age, conflicts, notes."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kehu.tasks.conformed import ControlTotal, Note
from kehu.tasks.gate import GateReceipt, QualityResult

AS_OF = date(2024, 3, 5)


def line(document: str, customer: str | None = "C1", **stated: Any) -> dict[str, Any]:
    """One order line."""
    return {"document_type": "order", "document_id": document, "line_id": "1", "customer_id": customer, **stated}


def customers(*ids: str, **stated: Any) -> list[dict[str, Any]]:
    """Rows of a customer master."""
    return [{"customer_id": customer_id, **stated} for customer_id in ids]


def found(receipt: GateReceipt, rule: str) -> QualityResult:
    """The only result of that rule."""
    (result,) = [result for result in receipt.results if result.rule == rule]
    return result


def rules(receipt: GateReceipt) -> set[str]:
    """The rules that were asked."""
    return {result.rule for result in receipt.results}


# --- keys -------------------------------------------------------------------------------------------------------------


def test_two_accepted_rows_of_a_file_with_one_key_close_the_gate(land: Any, judge: Any) -> None:
    receipt = judge(land("sales_line", [line("D1"), line("D1"), line("D2")]))
    result = found(receipt, "key_repeated")
    assert receipt.status == "closed"
    assert (result.rows_checked, result.rows_failed, result.example_keys) == (2, 1, ("order/D1/1",))


def test_the_same_key_in_two_files_is_no_repetition(land: Any, judge: Any) -> None:
    receipt = judge(land("customer", customers("C1")), land("customer", customers("C1"), file_name="again.csv"))
    assert receipt.status == "open"


# --- empty files ------------------------------------------------------------------------------------------------------


def test_a_file_none_of_whose_rows_is_accepted_closes_the_gate(land: Any, judge: Any) -> None:
    whole = land("sales_line", [line(f"D{n}") for n in range(100)], file_name="a.csv")
    broken = land("sales_line", [line("X", broken=["amount_missing"])], file_name="b.csv")
    receipt = judge(whole, broken)
    result = found(receipt, "nothing_accepted")
    assert receipt.status == "closed"
    assert (result.rows_checked, result.rows_failed, result.example_keys) == (2, 1, ("b.csv",))
    assert result.observed == "b.csv: 1 rows, none accepted"


def test_a_header_without_rows_warns(land: Any, judge: Any) -> None:
    receipt = judge(land("sales_line", [], rules=["customer_id_required"]))
    assert receipt.status == "warned"
    assert found(receipt, "no_rows").example_keys == ("sales_line.csv",)
    for rule in ("customer_id_required", "key_repeated", "nothing_accepted"):
        assert (found(receipt, rule).rows_checked, found(receipt, rule).is_passed) == (0, True)


def test_a_file_whose_rows_all_belong_elsewhere_is_not_empty(land: Any, judge: Any) -> None:
    receipt = judge(land("sales_line", [], rows_data=12, rows_unmapped=12))
    assert receipt.status == "open"


def test_an_empty_batch_is_open(judge: Any) -> None:
    assert judge() == GateReceipt("open", ())


# --- references -------------------------------------------------------------------------------------------------------


def test_unknown_customers_warn_and_are_named(land: Any, judge: Any) -> None:
    receipt = judge(
        land("customer", customers("C1", "C2")),
        land("sales_line", [line("D1", "C1"), line("D2", "C9"), line("D3", "C8"), line("D4", "C9")]),
    )
    result = found(receipt, "customer_id_not_in_customer")
    assert receipt.status == "warned"
    assert (result.rows_checked, result.rows_failed, result.example_keys) == (4, 3, ("C8", "C9"))
    assert result.tolerance == Decimal("0.005")


@pytest.mark.parametrize(("unknown", "is_passed"), [(0, True), (1, True), (2, False)])
def test_references_are_tolerated_up_to_the_policy(land: Any, judge: Any, unknown: int, is_passed: bool) -> None:
    rows = [line(f"D{n}", "C9" if n < unknown else "C1") for n in range(200)]
    receipt = judge(land("customer", customers("C1")), land("sales_line", rows))
    assert found(receipt, "customer_id_not_in_customer").is_passed is is_passed


def test_earlier_deliveries_and_former_codes_are_known(land: Any, judge: Any) -> None:
    earlier = land("customer", customers("C2"), delivered_date=date(2024, 3, 1), mode="upsert")
    merged = [{"old_customer_id": "C0", "customer_id": "C2", "from_date": date(2024, 1, 1)}]
    aliases = land("customer_alias", merged, delivered_date=date(2024, 2, 1))
    receipt = judge(land("sales_line", [line("D1", "C2"), line("D2", "C0")]), known=[earlier, aliases])
    assert found(receipt, "customer_id_not_in_customer").rows_failed == 0


def test_only_the_newest_snapshot_says_who_exists(land: Any, judge: Any) -> None:
    before = land("customer", customers("C1", "C2"), delivered_date=date(2024, 3, 4), mode="snapshot")
    today = land("customer", customers("C1"), mode="snapshot")
    receipt = judge(today, land("sales_line", [line("D1", "C1"), line("D2", "C2")]), known=[before])
    assert found(receipt, "customer_id_not_in_customer").example_keys == ("C2",)


def test_no_reference_is_asked_where_the_source_does_not_deliver_the_entity(land: Any, judge: Any) -> None:
    other = land("customer", customers("C1"), system="crm")
    receipt = judge(land("sales_line", [line("D1", "C9")]), known=[other])
    assert not {rule for rule in rules(receipt) if "_not_in_" in rule}


def test_rows_without_a_reference_are_not_asked(land: Any, judge: Any) -> None:
    rows = [*customers("C1"), *customers("C2", parent_customer_id="C1"), *customers("C3", parent_customer_id="C7")]
    result = found(judge(land("customer", rows)), "parent_customer_id_not_in_customer")
    assert (result.rows_checked, result.rows_failed, result.example_keys) == (2, 1, ("C7",))


def test_a_code_of_another_company_is_unknown(land: Any, judge: Any) -> None:
    receipt = judge(land("customer", customers("C1", company_id="north")), land("sales_line", [line("D1", "C1")]))
    assert found(receipt, "customer_id_not_in_customer").rows_failed == 1


# --- totals -----------------------------------------------------------------------------------------------------------


def total(printed: str, summed: str, record: int, column: str = "amount_net", unreadable: int = 0) -> ControlTotal:
    """A printed total held against the sum of its rows."""
    is_equal = printed == summed
    return ControlTotal(column, Decimal(printed), Decimal(summed), Decimal(0), is_equal, record, 1, unreadable)


def test_a_total_that_does_not_add_up_closes_the_gate(land: Any, judge: Any) -> None:
    totals = (total("100", "100", 12), total("250.50", "250.40", 40), total("7", "7", 40, "quantity"))
    receipt = judge(land("sales_line", [line("D1")], control_totals=totals))
    result = found(receipt, "amount_net_total_differs")
    assert receipt.status == "closed"
    assert (result.rows_checked, result.rows_failed) == (2, 1)
    assert result.example_keys == ("sales_line.csv row 40",)
    assert result.observed == "sales_line.csv row 40: printed 250.50, rows sum to 250.40"
    assert found(receipt, "quantity_total_differs").is_passed


def test_a_total_over_values_that_cannot_be_read_warns_and_says_so(land: Any, judge: Any) -> None:
    receipt = judge(land("sales_line", [line("D1")], control_totals=(total("9", "7", 3, unreadable=2),)))
    assert receipt.status == "warned"
    assert found(receipt, "amount_net_total_differs").is_passed
    assert found(receipt, "amount_net_total_unverified").observed == (
        "sales_line.csv row 3: printed 9, rows sum to 7, 2 values cannot be read"
    )


def test_a_total_that_agrees_without_the_unreadable_values_passes(land: Any, judge: Any) -> None:
    receipt = judge(land("sales_line", [line("D1")], control_totals=(total("9", "9", 3, unreadable=2),)))
    assert receipt.status == "open"


def test_files_without_totals_are_not_asked(land: Any, judge: Any) -> None:
    receipt = judge(land("sales_line", [line("D1")]))
    assert not {rule for rule in rules(receipt) if rule.endswith("_total_differs")}


# --- history ----------------------------------------------------------------------------------------------------------


def earlier(land: Any, *row_counts: int, **stated: Any) -> list[Any]:
    """Deliveries of the days before, the last one yesterday."""
    days = [AS_OF - timedelta(days=len(row_counts) - place) for place in range(len(row_counts))]
    return [
        land("sales_line", [line("D1")], rows_data=count, delivered_date=day, **stated)
        for count, day in zip(row_counts, days, strict=True)
    ]


@pytest.mark.parametrize(
    ("history", "tonight", "checked", "failed"),
    [
        ((100, 100), 1, 0, 0),
        ((100, 100, 100), 100, 1, 0),
        ((100, 100, 100), 150, 1, 0),
        ((100, 100, 100), 50, 1, 0),
        ((100, 100, 100), 151, 1, 1),
        ((100, 100, 100), 49, 1, 1),
        ((9000, 100, 100, 100, 100, 100, 100, 100), 100, 1, 0),
        ((10, 10, 10, 1000, 1000, 1000, 1000), 400, 1, 1),
        ((10, 20, 30, 40), 37, 1, 0),
        ((10, 20, 30, 40), 38, 1, 1),
        ((0, 0, 0), 0, 1, 0),
        ((0, 0, 0), 1, 1, 1),
    ],
    ids=[
        "two deliveries are no history", "as usual", "at the upper bound", "at the lower bound", "above", "below",
        "the eighth-last no longer counts", "median, not mean", "even count: mean of the middle two, at the bound",
        "even count, above", "always empty", "never had any",
    ],
)  # fmt: skip
def test_row_count_against_the_median(
    land: Any, judge: Any, history: tuple[int, ...], tonight: int, checked: int, failed: int
) -> None:
    known = earlier(land, *history)
    receipt = judge(land("sales_line", [line("D1")], rows_data=tonight), known=known)
    result = found(receipt, "row_count_unusual")
    assert (result.rows_checked, result.rows_failed, result.severity) == (checked, failed, "warn")


def test_an_unusual_count_is_shown_beside_the_usual_one(land: Any, judge: Any) -> None:
    receipt = judge(land("sales_line", [line("D1")], rows_data=7), known=earlier(land, 90, 100, 110))
    result = found(receipt, "row_count_unusual")
    assert result.observed == "sales_line of 2024-03-05: 7 rows, median of the last 3 deliveries 100"
    assert result.example_keys == ("sales_line of 2024-03-05",)


def test_history_is_kept_apart_by_file_mapping(land: Any, judge: Any) -> None:
    other = earlier(land, 100, 100, 100, file_mapping="returns")
    receipt = judge(land("sales_line", [line("D1")], rows_data=7), known=other)
    assert found(receipt, "row_count_unusual").rows_checked == 0


def test_files_of_one_day_are_counted_together_and_redelivered_ones_once(land: Any, judge: Any) -> None:
    known = earlier(land, 100, 100, 100)
    again = land("sales_line", [line("D1")], rows_data=100, delivered_date=AS_OF - timedelta(days=1))
    north = land("sales_line", [line("D1")], rows_data=60, file_name="north.csv")
    south = land("sales_line", [line("D2")], rows_data=60, file_name="south.csv")
    result = found(judge(north, south, known=[*known, again]), "row_count_unusual")
    assert (result.rows_checked, result.rows_failed) == (1, 0)


# --- age --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days_before", "is_passed"), [(-3, True), (0, True), (1, True), (2, False)])
def test_an_old_delivery_warns(land: Any, judge: Any, days_before: int, is_passed: bool) -> None:
    delivered = AS_OF - timedelta(days=days_before)
    result = found(judge(land("sales_line", [line("D1")], delivered_date=delivered)), "delivery_too_old")
    assert (result.is_passed, result.severity) == (is_passed, "warn")


def test_only_the_newest_of_several_deliveries_must_be_fresh(land: Any, judge: Any) -> None:
    old = land("sales_line", [line("D1")], delivered_date=AS_OF - timedelta(days=30), file_name="old.csv")
    assert found(judge(old, land("sales_line", [line("D2")])), "delivery_too_old").is_passed


@pytest.mark.parametrize(("days_before", "status"), [(-400, "open"), (31, "warned"), (32, "closed")])
def test_a_day_long_after_all_deliveries_closes_the_gate(land: Any, judge: Any, days_before: int, status: str) -> None:
    delivered = AS_OF - timedelta(days=days_before)
    receipt = judge(land("sales_line", [line("D1")], delivered_date=delivered))
    assert (receipt.status, found(receipt, "delivery_expired").is_passed) == (status, status != "closed")


def test_a_master_exported_once_a_year_is_no_expired_delivery(land: Any, judge: Any) -> None:
    master = land("customer", customers("C1"), delivered_date=AS_OF - timedelta(days=300))
    assert judge(master, land("sales_line", [line("D1")]), known=[master]).status == "warned"


# --- conflicts and notes ----------------------------------------------------------------------------------------------


def test_columns_that_differ_between_lines_of_a_key_warn(land: Any, judge: Any) -> None:
    conflicts = (("city", ("C2", "C1")),)
    receipt = judge(land("customer", customers("C1", "C2", "C3"), conflicts=conflicts))
    result = found(receipt, "city_conflicts")
    assert receipt.status == "warned"
    assert (result.rows_checked, result.rows_failed, result.example_keys) == (3, 2, ("C1", "C2"))


def test_notes_about_a_file_warn(land: Any, judge: Any) -> None:
    note = Note("possibly_cut", "the file does not end where old Excel sheets end")
    receipt = judge(
        land("sales_line", [line("D1")], notes=(note,)), land("sales_line", [line("D2")], file_name="b.csv")
    )
    result = found(receipt, "possibly_cut")
    assert (result.severity, result.is_passed, result.example_keys) == ("warn", False, ("sales_line.csv",))


def test_sheets_of_a_workbook_are_told_apart(land: Any, judge: Any) -> None:
    receipt = judge(land("sales_line", [], file_name="book.xlsx", sheet="三月"))
    assert found(receipt, "no_rows").example_keys == ("book.xlsx#三月",)

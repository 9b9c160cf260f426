"""The rendered list of expectations: which rules stand for which statement of a contract."""

from __future__ import annotations

import pytest

from kehu.schemas import fields as f
from kehu.schemas import tables
from kehu.schemas.expectations import (
    ExpectationKind,
    expectations_of,
    note_expectation,
    row_expectations,
    unforeseen_row_expectation,
)
from kehu.schemas.model import Layer, Table

PAYMENT_ROW_RULES = [
    "company_id_required", "payment_id_required", "customer_id_required", "received_date_required",
    "received_date_not_a_date", "received_date_too_early", "received_date_after_delivery", "received_gross_required",
    "received_gross_not_an_amount", "instrument_unknown_code", "note_due_date_not_a_date", "note_due_date_too_early",
    "payment_status_unknown_code", "payment_status_date_not_a_date", "payment_status_date_too_early",
    "payment_status_date_after_delivery", "currency_malformed", "rate_missing", "duplicate_key", "too_many_fields",
    "code_in_scientific_notation",
]  # fmt: skip


def rules(table: Table) -> list[str]:
    """Names of the row rules."""
    return [expectation.rule for expectation in row_expectations(table)]


def test_row_rules_of_an_entity_follow_its_columns() -> None:
    assert rules(tables.PAYMENT) == PAYMENT_ROW_RULES


def test_dates_that_may_lie_ahead_are_not_held_against_the_day_of_delivery() -> None:
    assert f.note_due_date.may_lie_ahead
    assert "note_due_date_after_delivery" not in rules(tables.PAYMENT)


def test_one_of_several_amounts_is_enough() -> None:
    assert "amount_missing" in rules(tables.SALES_LINE)
    assert "amount_net_required" not in rules(tables.SALES_LINE)


def test_a_bad_social_credit_code_only_warns() -> None:
    warned = [expectation.rule for expectation in row_expectations(tables.CUSTOMER) if expectation.severity == "warn"]
    assert warned == ["uscc_malformed", "uscc_check_digit"]


@pytest.mark.parametrize("table", tables.ALL_TABLES, ids=lambda table: table.name)
def test_only_shares_of_rows_and_references_are_tolerated(table: Table) -> None:
    keys = {
        (expectation.kind, expectation.severity, expectation.tolerance_key) for expectation in expectations_of(table)
    }
    assert {kind for kind, _, key in keys if key} <= {ExpectationKind.ROW, ExpectationKind.REFERENCE}
    assert {severity for kind, severity, key in keys if key == "gate.rows_broken_tolerance"} <= {"block"}


@pytest.mark.parametrize("table", tables.ALL_TABLES, ids=lambda table: table.name)
def test_what_no_export_fills_is_not_asked_of_rows(table: Table) -> None:
    if table.layer is Layer.ENTITY:
        columns = {expectation.column for expectation in row_expectations(table)}
        assert not columns & {"source", "delivery_id", "source_row", "is_tax_assumed"}


def test_conflicts_are_asked_of_master_data_only() -> None:
    asked = {
        table.name
        for table in tables.ALL_TABLES
        if any(expectation.kind is ExpectationKind.CONFLICT for expectation in expectations_of(table))
    }
    assert asked == {"customer", "owner", "product"}


def test_tables_that_arrive_in_no_file_are_asked_nothing_about_files() -> None:
    kinds = {expectation.kind for expectation in expectations_of(tables.MART_ABC_CUSTOMER)}
    assert kinds == {ExpectationKind.ROW, ExpectationKind.KEY}


def test_expectations_made_on_the_spot() -> None:
    note = note_expectation("sales_line", "possibly_cut", "the file ends at no limit")
    assert (note.severity, note.kind, note.tolerance_key) == ("warn", ExpectationKind.NOTE, None)
    own = unforeseen_row_expectation("sales_line", "own_rule", "a sentence")
    assert (own.severity, own.kind, own.tolerance_key) == ("block", ExpectationKind.ROW, "gate.rows_broken_tolerance")

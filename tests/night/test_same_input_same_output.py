"""The same input gives the same run and the same bytes; what does not matter changes nothing (design.md §3, R18)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from night_world import Company, Night, Row, invoice_lines

CUSTOMERS = [{"客户编码": f"K{n:03}", "客户名称": f"客户{n}"} for n in range(12)]


def _open(root: Path, lines: Sequence[Row], customers: Sequence[Row] = CUSTOMERS) -> Company:
    company = Company(root)
    company.export("客户_20240331.csv", customers)
    company.export("发票_20240331.csv", lines)
    return company


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The night everything is held against, on one thread."""
    company = _open(tmp_path_factory.mktemp("first"), invoice_lines())
    return Night(company, company.run(threads=1))


def test_running_the_same_again_changes_nothing(first: Night) -> None:
    versions = first.company.versions()
    again = first.company.run()
    assert (again.status, again.run_id) == ("unchanged", first.receipt.run_id)
    assert first.company.versions() == versions
    assert again.files == first.receipt.files


def test_a_fresh_home_and_other_threads_give_the_same_bytes(first: Night, tmp_path: Path) -> None:
    """The run id is equal too, so rows are compared with it in them: as Parquet handed over, as Arrow read back."""
    company = _open(tmp_path, invoice_lines())
    receipt = company.run(threads=4)
    assert receipt.run_id == first.receipt.run_id
    assert company.built.keys() == dict(receipt.published).keys() != set()
    assert company.built == first.company.built
    assert company.ipc(receipt) == first.company.ipc(first.receipt)
    for name in ("run_input", "run_input_reason", "run_mart", "dq_result", "dq_quarantine"):
        assert company.rows(name, receipt) == first.rows(name), name


def test_the_order_of_rows_does_not_matter_even_without_line_numbers(tmp_path: Path) -> None:
    """Lines without number, some of them repeated in full: identity comes from content and count."""
    lines = [{name: value for name, value in line.items() if name != "行号"} for line in invoice_lines()]
    lines += lines[:7] + lines[3:5]
    company = _open(tmp_path / "sorted", lines)
    receipt = company.run()
    assert company.one("run_input", receipt, entity="sales_line")["rows_accepted"] == len(lines)
    random.Random(1).shuffle(lines)
    shuffled = _open(tmp_path / "shuffled", lines, CUSTOMERS[::-1])
    other = shuffled.run(threads=2)
    assert other.run_id != receipt.run_id, "the bytes of the files differ, and the run says so"
    assert shuffled.checksums(other) == company.checksums(receipt)
    assert shuffled.marts(other) == company.marts(receipt)


def test_a_thousand_customers_without_trade_move_nobody(first: Night, tmp_path: Path) -> None:
    strangers = [{"客户编码": f"X{n:04}", "客户名称": f"新客户{n}"} for n in range(1000)]
    company = _open(tmp_path, invoice_lines(), [*strangers, *CUSTOMERS])
    crowded = Night(company, company.run())
    known = {row["customer_id"]: row for row in first.rows("mart_abc_customer")}
    assert {"A", "B", "C"} <= {row["sales_class"] for row in known.values()}
    for row in crowded.rows("mart_abc_customer"):
        if row["customer_id"] in known:
            assert row == known[row["customer_id"]]
        else:
            assert (row["sales_class"], row["sales_class_reason"], row["sales_net"]) == (None, "no_trade", Decimal(0))
    before, after = (night.one("mart_abc_summary", indicator="sales") for night in (first, crowded))
    counted = {"customers": before["customers"] + 1000, "no_trade_customers": before["no_trade_customers"] + 1000}
    assert after == before | counted
    ranked = [row for row in crowded.rows("mart_abc_indicator") if row["value_rank"] is not None]
    assert ranked == [row for row in first.rows("mart_abc_indicator") if row["value_rank"] is not None]


def test_nothing_is_left_in_scratch(first: Night) -> None:
    assert list((first.company.home / "scratch").iterdir()) == []

"""A CRM: won opportunities are orders, the others are left out and counted, subsidiaries count for their parent."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from night_world import Company, Night, Row, identities

pytestmark = pytest.mark.real

LAST_DAY = date(2017, 12, 31)
WON = Decimal(10_005_534)


@pytest.fixture(scope="module")
def exports(real_data: Path) -> Path:
    return real_data / "maven_crm"


@pytest.fixture(scope="module")
def night(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The official night: subsidiaries are judged under the account they belong to."""
    company = Company(tmp_path_factory.mktemp("crm"))
    return Night(company, company.run(LAST_DAY, source="maven_crm", exports=exports))


@pytest.fixture(scope="module")
def by_account(night: Night, exports: Path) -> Night:
    """Every account for itself."""
    receipt = night.company.run(
        LAST_DAY, source="maven_crm", exports=exports, sandbox="accounts", only=("mart_abc_customer",),
        overrides={"party.scored": "account"},
    )  # fmt: skip
    return Night(night.company, receipt, "accounts")


@pytest.fixture(scope="module")
def deals(exports: Path) -> list[Row]:
    """The pipeline, read without any help of ours."""
    with (exports / "sales_pipeline.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def parents(exports: Path) -> dict[str, str]:
    """Account → the account it belongs to, itself where it stands alone."""
    with (exports / "accounts.csv").open(encoding="utf-8", newline="") as lines:
        return {row["account"]: row["subsidiary_of"] or row["account"] for row in csv.DictReader(lines)}


def test_what_was_not_won_is_left_out_and_counted(night: Night, deals: list[Row]) -> None:
    assert (night.receipt.status, night.receipt.quarantined) == ("published", 0)
    inputs = {row["entity"]: row for row in night.rows("run_input")}
    assert {identities(row) for row in inputs.values()} == {(0, 0)}
    accepted = {entity: row["rows_accepted"] for entity, row in inputs.items()}
    assert accepted == {"customer": 85, "owner": 35, "product": 7, "sales_line": 4238}
    stages = Counter(row["deal_stage"] for row in deals)
    assert stages == {"Won": 4238, "Lost": 2473, "Engaging": 1589, "Prospecting": 500}
    told = {row["outcome"]: row for row in night.rows("run_input_reason") if row["entity"] == "sales_line"}
    assert told.keys() == {"accepted", "dropped"}
    assert (told["accepted"]["row_count"], told["accepted"]["amount_total"]) == (4238, WON)
    assert (told["dropped"]["reason"], told["dropped"]["row_count"]) == ("not_won", 8800 - 4238)


def test_products_are_spelled_as_in_their_list(night: Night, deals: list[Row]) -> None:
    products = {row["product_id"] for row in night.company.landed("product")}
    sold = Counter(row["product_id"] for row in night.company.landed("sales_line"))
    assert set(sold) <= products and "GTXPro" not in sold
    assert sold["GTX Pro"] == sum((row["product"], row["deal_stage"]) == ("GTXPro", "Won") for row in deals)


def test_texts_stand_as_delivered(night: Night) -> None:
    rows = night.rows("dim_customer")
    assert sum(row["industry"] == "technolgy" for row in rows) == 12
    assert [row["customer_id"] for row in rows if row["country"] == "Philipines"] == ["Bioholding"]
    assert all(row["customer_id"] == row["customer_name"] for row in rows)


def test_the_best_accounts_each_for_itself(by_account: Night, deals: list[Row]) -> None:
    won: Counter[str] = Counter()
    for row in deals:
        if row["deal_stage"] == "Won":
            won[row["account"]] += int(row["close_value"])
    rows = {row["customer_id"]: row["sales_tax_unknown"] for row in by_account.rows("mart_abc_customer")}
    assert rows == dict(won) and len(rows) == 85
    assert won.most_common(3) == [("Kan-code", 341_455), ("Konex", 269_245), ("Condax", 206_410)]


def test_subsidiaries_count_for_the_account_they_belong_to(
    night: Night, by_account: Night, parents: dict[str, str]
) -> None:
    alone = {row["customer_id"]: row["sales_tax_unknown"] for row in by_account.rows("mart_abc_customer")}
    expected: Counter[str] = Counter()
    for account, amount in alone.items():
        expected[parents[account]] += amount
    rows = night.rows("mart_abc_customer")
    assert {row["customer_id"]: row["sales_tax_unknown"] for row in rows} == dict(expected)
    assert (len(rows), sum(row["member_customers"] for row in rows)) == (70, 85)
    assert [customer for customer, _ in expected.most_common(3)] == ["Acme Corporation", "Sonron", "Kan-code"]
    told = {row["customer_id"]: row["scored_customer_id"] for row in night.rows("dim_customer")}
    assert told == parents


def test_without_receipts_size_is_measured_by_sales(night: Night) -> None:
    told = night.one("mart_abc_summary", indicator="sales")
    assert (told["total_value"], told["tax_basis"], told["customers"]) == (WON, "unknown", 70)
    assert {row["size_indicator"] for row in night.rows("mart_abc_customer")} == {"sales"}
    assert {row["collections_gross"] for row in night.rows("mart_abc_customer")} == {None}

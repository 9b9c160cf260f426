"""Real exports: counts and totals to the last digit."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from kehu.config.sources import load_source
from kehu.tasks.conform import Conformed, conform_delivery
from kehu.tasks.land import land_exports
from tests.conform.conftest import World, outcomes, total

pytestmark = pytest.mark.real


def conform(world: World, name: str, folder: Path, currency: str) -> dict[str, Conformed]:
    mapping = load_source(name, None)
    landing = land_exports(mapping, folder, world.home, datetime(2024, 4, 1, tzinfo=UTC))
    return {
        receipt.entity: receipt
        for delivery in landing.batch
        for receipt in conform_delivery(
            world.con,
            delivery,
            mapping,
            home=world.home,
            corrections=(),
            policy=world.policy,
            reporting_currency=currency,
        )
    }


@pytest.mark.parametrize("name", ["superstore_zh", "superstore_zh_xls"])
def test_superstore(world: World, real_data: Path, name: str) -> None:
    files = conform(world, name, real_data / "superstore_zh", "CNY")
    lines = files["sales_line"]
    assert (lines.rows_read, lines.rows_data, lines.rows_accepted) == (10_001, 10_000, 10_000)
    assert total(lines, "amount_tax_unknown") == Decimal("16117548.237")
    sums = "sum(gross_profit_tax_unknown), sum(quantity), count(DISTINCT document_id), count(DISTINCT customer_id)"
    assert world.rows(lines, f"{sums}, min(document_date)::VARCHAR, max(document_date)::VARCHAR") == [
        (Decimal("2156559.517"), Decimal(37_675), 2_773, 790, "2014-01-01", "2017-12-30")
    ]
    assert (files["customer"].rows_accepted, files["customer"].rows_merged) == (790, 9_210)
    assert "city" in dict(files["customer"].conflicts)


def test_superstore_is_the_same_from_text_and_workbook(world: World, real_data: Path, tmp_path: Path) -> None:
    text = conform(world, "superstore_zh", real_data / "superstore_zh", "CNY")
    elsewhere = World(world.con, world.policy, tmp_path / "other", world.exports)
    workbook = conform(elsewhere, "superstore_zh_xls", real_data / "superstore_zh", "CNY")
    assert {entity: file.content_sha256 for entity, file in text.items()} == {
        entity: file.content_sha256 for entity, file in workbook.items()
    }


def test_online_retail(world: World, real_data: Path) -> None:
    files = conform(world, "uci_online_retail", real_data / "uci_online_retail", "GBP")
    lines = files["sales_line"]
    assert (lines.rows_read, lines.rows_data, lines.rows_dropped) == (541_910, 541_909, 135_080)
    assert total(lines, "amount_tax_unknown") == Decimal("9747747.934")
    assert world.rows(lines, "sum(amount_tax_unknown), count(*)") == [(Decimal("8300065.814"), 406_829)]
    assert outcomes(lines)["dropped", "no_customer"] == 135_080
    assert world.rows(lines, "count(DISTINCT document_id)", "flagged") == [(25_900,)]
    positive = "quantity > 0 AND unit_price > 0"
    figures = (
        f"count(*) FILTER (WHERE {positive}), count(DISTINCT customer_id) FILTER (WHERE {positive}), "
        f"sum(amount_tax_unknown) FILTER (WHERE {positive})"
    )
    assert world.rows(lines, figures) == [(397_884, 4_338, Decimal("8911407.904"))]
    cancelled = "count(*) FILTER (WHERE is_return), count(DISTINCT document_id) FILTER (WHERE is_return)"
    assert world.rows(lines, cancelled, "flagged") == [(9_288, 3_836)]
    assert world.rows(lines, "count(*) FILTER (WHERE unit_price <= 0)", "flagged") == [(2_517,)]
    assert files["customer"].rows_accepted == 4_372
    assert files["product"].rows_accepted == 4_070

    # 5 268 lines repeat another in all columns; those without customer are dropped before they count as repeated.
    path = real_data / "uci_online_retail" / "online_retail.csv"
    repeated = (
        f"SELECT sum(n - 1) FROM (SELECT *, count(*) AS n FROM read_csv('{path}', all_varchar = true) {{}} GROUP BY "
        f"ALL)"
    )
    assert world.con.execute(repeated.format("")).fetchone() == (5_268,)
    with_customer = world.con.execute(repeated.format("WHERE CustomerID IS NOT NULL")).fetchone()
    assert with_customer == (outcomes(lines)["accepted", "repeated_line"],) == (5_225,)

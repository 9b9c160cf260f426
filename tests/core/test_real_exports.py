"""Real exports, read straight into conformed form: the figures the data must come out as."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conformed_world import World, by

from kehu.schemas.model import Table
from kehu.schemas.rendering import quoted
from kehu.schemas.tables import CUSTOMER, SALES_LINE

pytestmark = pytest.mark.real

LAST_DAY_OF_WWI = date(2016, 5, 31)


def _deliver(world: World, table: Table, select: str, delivered: date, **more: Any) -> None:
    """Write what a statement selects as one delivery, columns by contract."""
    file = world.deliver(table, [], delivered, **more)
    with duckdb.connect() as engine:
        selected = engine.sql(f"SELECT *, row_number() OVER () AS source_row FROM ({select})")
        given = set(selected.columns)
        stated = {"source": f"'{file.system}'", "company_id": "'main'", "delivery_id": f"'{file.delivery_id}'"}
        columns = ", ".join(
            f"{stated.get(column.name, quoted(column.name) if column.name in given else 'NULL')}::{column.type.duckdb}"
            f" AS {quoted(column.name)}"
            for column in table.columns
        )
        path = world.home / file.directory / "accepted.parquet"
        engine.execute(f"COPY (SELECT {columns} FROM selected) TO '{path}' (FORMAT parquet)")


@pytest.fixture
def retail(world: World, real_data: Path) -> World:
    """The lines of a wholesaler that carry a customer; its amounts stated as net, no profit known."""
    path = real_data / "uci_online_retail" / "online_retail.csv"
    lines = f"""
        SELECT 'invoice' AS document_type, InvoiceNo AS document_id, row_number() OVER () AS line_id,
               InvoiceDate::DATE AS document_date, CustomerID AS customer_id, 'GBP' AS currency,
               Quantity::DECIMAL(18,6) AS quantity, Quantity::DECIMAL(12,0) * UnitPrice::DECIMAL(18,6) AS amount_net
        FROM read_csv('{path}', all_varchar = true) WHERE CustomerID IS NOT NULL"""
    _deliver(world, SALES_LINE, lines, date(2011, 12, 10))
    return world


def test_a_retailers_customers_by_net_sales(retail: World) -> None:
    """8 300 065.814 over 4 372 customers; cancellations netted; cumulative 80/95 on all dates.

    Of the 55 customers without positive sales 41 are negative and 14 exactly zero. (Summed in floating point, five of
    the fourteen come out a hair above zero, and one counts 50.)
    """
    stated: dict[str, Any] = {
        "abc__window": "all", "abc__cumulative_cuts": "[0.8, 0.95]", "abc__cut_rule": "crossing_down",
        "abc__method": "cumulative", "reporting_currency": "GBP",
    }  # fmt: skip
    marts = retail.marts(date(2011, 12, 10), **stated)
    ranked = sorted(marts["mart_abc_customer"], key=lambda row: -row["sales_net"])
    assert [(row["customer_id"], row["sales_net"]) for row in ranked[:5]] == [
        ("14646", Decimal("279489.02")), ("18102", Decimal("256438.49")), ("17450", Decimal("187482.17")),
        ("14911", Decimal("132572.62")), ("12415", Decimal("123725.45")),
    ]  # fmt: skip
    told = by(marts["mart_abc_summary"], "indicator")["sales"]
    assert (told["customers"], told["ranked_customers"]) == (4372, 4317)
    assert (told["negative_customers"], told["no_trade_customers"]) == (41, 14)
    assert (told["crossing_down_a"], told["crossing_down_a"] + told["crossing_down_b"]) == (1177, 2633)
    assert sum(row["sales_class"] == "A" for row in ranked) == 1177
    assert told["total_value"] == Decimal("8300065.81")
    built = retail.build(date(2011, 12, 10), **stated)["mart_abc_customer"]
    assert built.exact_total == Decimal("8300065.814")  # type: ignore[union-attr]
    profit = by(marts["mart_abc_summary"], "indicator")["gross_profit"]
    assert (profit["missing_customers"], profit["ranked_customers"], profit["gini"]) == (4372, 0, None)


@pytest.fixture
def wholesaler(world: World, real_data: Path) -> World:
    """Invoice lines under the customer on the invoice's order, with the customers and their head offices."""
    folder = real_data / "wwi"
    lines = f"""
        SELECT 'invoice' AS document_type, line.InvoiceID AS document_id, line.InvoiceLineID AS line_id,
               'USD' AS currency, ledger.TransactionDate::DATE AS document_date, ledger.CustomerID AS customer_id,
               line.ExtendedPrice::DECIMAL(18,6) AS amount_gross,
               line.ExtendedPrice::DECIMAL(18,6) - line.TaxAmount::DECIMAL(18,6) AS amount_net,
               line.LineProfit::DECIMAL(18,6) AS gross_profit_net
        FROM read_csv('{folder}/Sales.InvoiceLines.csv', all_varchar = true) AS line
        JOIN read_csv('{folder}/Sales.CustomerTransactions.csv', all_varchar = true) AS ledger
          ON ledger.TransactionTypeID = '1' AND ledger.InvoiceID::DOUBLE = line.InvoiceID::DOUBLE"""
    customers = f"""
        SELECT CustomerID AS customer_id, CustomerName AS customer_name, BillToCustomerID AS parent_customer_id
        FROM read_csv('{folder}/Sales.Customers.csv', all_varchar = true)"""
    _deliver(world, SALES_LINE, lines, LAST_DAY_OF_WWI)
    _deliver(world, CUSTOMER, customers, LAST_DAY_OF_WWI)
    return world


@pytest.mark.parametrize(
    ("window", "midpoint", "crossing_down"),
    [("all", (2, 128, 133), (1, 128, 134)), ("12", (2, 132, 129), (1, 132, 130))],
)
def test_two_head_offices_of_a_wholesaler_are_both_a(
    wholesaler: World, window: str, midpoint: tuple[int, ...], crossing_down: tuple[int, ...]
) -> None:
    """R3, R28: 663 customers billed to 263; of these 1 and 401 carry 63 %. Tax is 15 % but for 22 chilled products."""
    marts = wholesaler.marts(LAST_DAY_OF_WWI, abc__window=window, abc__method="cumulative", reporting_currency="USD")
    told = by(marts["mart_abc_summary"], "indicator")["sales"]
    assert (len(marts["dim_customer"]), told["customers"], told["ranked_customers"]) == (663, 263, 263)
    assert tuple(told[f"crossing_down_{letter}"] for letter in "abc") == crossing_down
    assert told["is_concentrated"] is True
    rows = by(marts["mart_abc_customer"], "customer_id")
    assert {rows[code][f"{name}_class"] for code in ("1", "401") for name in ("sales", "gross_profit")} == {"A"}
    assert tuple(told[f"midpoint_{letter}"] for letter in "abc") == midpoint
    if window == "all":
        assert told["total_value"] == Decimal("172261341.20")
        profit = by(marts["mart_abc_summary"], "indicator")["gross_profit"]["total_value"]
        assert profit == Decimal("85729180.90")
        assert round(profit / told["total_value"], 4) == Decimal("0.4977")

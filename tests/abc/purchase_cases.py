"""Sales lines as tables, and what the expressions make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend
from purchase_reference import Sold

from kehu.tasks.build import fetch
from kehu.tasks.purchase_events import purchase_events
from kehu.tasks.stability import StabilityRules, customer_stability

RULES = StabilityRules()


def sales(lines: Sequence[Sold]) -> ir.Table:
    """The lines as `sales_facts` gives them, as far as purchases read them."""
    texts: dict[str, list[str | None]] = {
        "source": ["s"] * len(lines),
        "company_id": ["main"] * len(lines),
        "tax_basis": ["net"] * len(lines),
        "customer_id": [line.customer for line in lines],
        "account_customer_id": [line.account or line.customer for line in lines],
        "document_id": [line.document for line in lines],
        "line_id": [line.line for line in lines],
        "order_id": [line.order for line in lines],
        "product_id": [line.product for line in lines],
        "line_kind": [line.kind for line in lines],
        "return_of_document_id": [line.returned for line in lines],
    }
    columns = {name: pa.array(values, pa.string()) for name, values in texts.items()}
    columns["document_date"] = pa.array([line.day for line in lines], pa.date32())
    columns["quantity"] = pa.array([line.quantity for line in lines], pa.decimal128(18, 6))
    columns["amount"] = pa.array([line.amount for line in lines], pa.decimal128(38, 6))
    return ibis.memtable(pa.table(columns))


def bought(engine: Backend, lines: Sequence[Sold], merge_days: int = 7) -> dict[str, dict[date, Decimal]]:
    """The purchases of each customer by day."""
    found: dict[str, dict[date, Decimal]] = {}
    for row in fetch(engine, purchase_events(sales(lines), merge_days=merge_days)).to_pylist():
        of_one = found.setdefault(row["customer_id"], {})
        assert row["purchase_date"] not in of_one
        of_one[row["purchase_date"]] = row["amount"]
    return found


def events(purchases: Mapping[str, Mapping[date, Any]]) -> ir.Table:
    """Purchases as `purchase_events` gives them."""
    rows = [
        (customer, day, Decimal(str(amount))) for customer, days in purchases.items() for day, amount in days.items()
    ]
    texts = {"source": "s", "company_id": "main", "tax_basis": "net"}
    columns = {name: pa.array([value] * len(rows), pa.string()) for name, value in texts.items()}
    columns["customer_id"] = pa.array([customer for customer, _, _ in rows], pa.string())
    columns["purchase_date"] = pa.array([day for _, day, _ in rows], pa.date32())
    columns["amount"] = pa.array([amount for _, _, amount in rows], pa.decimal128(38, 6))
    return ibis.memtable(pa.table(columns))


def judged(
    engine: Backend, purchases: Mapping[str, Mapping[date, Any]], as_of: date, rules: StabilityRules = RULES
) -> dict[str, dict[str, Any]]:
    """The rows of `mart_customer_stability` by customer, without what is the same in all."""
    rows = fetch(engine, customer_stability(events(purchases), rules, as_of=as_of)).to_pylist()
    alike = ("source", "company_id", "tax_basis", "customer_id")
    return {row["customer_id"]: {name: value for name, value in row.items() if name not in alike} for row in rows}

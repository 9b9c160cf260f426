"""Conformed files for the gate, built from a few rows without the steps before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kehu.config.policy import PolicyBook
from kehu.schemas.rendering import arrow_schema
from kehu.schemas.tables import entity_named
from kehu.tasks.conformed import Conformed
from kehu.tasks.gate import GateReceipt, run_gate

AS_OF = date(2024, 3, 5)
Row = dict[str, Any]
Land = Callable[..., Any]
Judge = Callable[..., GateReceipt]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine of its own for each test."""
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def land(tmp_path: Path) -> Land:
    """Write one conformed file: rows by contract, each with the rules it breaks under `broken`; returns its receipt."""
    landed: list[Conformed] = []

    def write(entity: str, rows: Sequence[Row], *, rules: Sequence[str] = (), **stated: Any) -> Conformed:
        receipt = _receipt(entity, rows, len(landed) + 1, **stated)
        directory = tmp_path / receipt.directory
        directory.mkdir(parents=True)
        flags = sorted({*rules, *(rule for row in rows for rule in row.get("broken", ()))})
        _write(directory / "flagged.parquet", entity, rows, flags)
        _write(directory / "accepted.parquet", entity, [row for row in rows if _is_accepted(row)], None)
        landed.append(receipt)
        return receipt

    return write


@pytest.fixture
def judge(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Judge:
    """Run the gate on a batch with the shipped policy, changed where asked; `known` are earlier deliveries."""

    def run(
        *batch: Any,
        known: Sequence[Any] = (),
        as_of: date = AS_OF,
        data_docs: Path | None = None,
        policy: Mapping[str, str] | None = None,
    ) -> GateReceipt:
        in_force = PolicyBook.load(None).on(as_of, policy or {})
        everything = (*known, *batch)
        return run_gate(con, batch, home=tmp_path, policy=in_force, known=everything, as_of=as_of, data_docs=data_docs)

    return run


def _receipt(entity: str, rows: Sequence[Row], number: int, **stated: Any) -> Conformed:
    accepted = sum(_is_accepted(row) for row in rows)
    dropped = sum(bool(row.get("dropped")) for row in rows)
    delivered = stated.get("delivered_date", AS_OF)
    facts = {
        "system": "erp",
        "company_id": "main",
        "delivery_id": f"{delivered:%Y%m%d}-{number:012d}",
        "file_name": f"{entity}.csv",
        "file_mapping": entity,
        "sheet": "",
        "entity": entity,
        "delivered_date": delivered,
        "mode": "append",
        "partition": None,
        "partition_value": None,
        "encoding": "utf-8",
        "directory": f"landed/erp/{entity}/{number}",
        "rows_read": len(rows) + 1,
        "rows_header": 1,
        "rows_title": 0,
        "rows_total": 0,
        "rows_blank": 0,
        "rows_data": len(rows),
        "rows_accepted": accepted,
        "rows_merged": 0,
        "rows_quarantined": len(rows) - accepted - dropped,
        "rows_dropped": dropped,
        "rows_unmapped": 0,
        "values_rounded": 0,
        "unmapped_headers": (),
        "reasons": (),
        "broken_rules": (),
        "control_totals": (),
        "conflicts": (),
        "arrived_at": f"2024-01-01T{number:06}",
    }
    return Conformed(**(facts | stated))


def _is_accepted(row: Row) -> bool:
    return not row.get("broken") and not row.get("dropped")


def _write(path: Path, entity: str, rows: Sequence[Row], flags: Sequence[str] | None) -> None:
    table = entity_named(entity)
    given = {"source": "erp", "company_id": "main", "delivery_id": "d"}
    typed = [{**given, "source_row": place + 2, **row} for place, row in enumerate(rows)]
    schema = arrow_schema(table).remove_metadata()
    columns: dict[str, pa.Array] = {
        field.name: pa.array([row.get(field.name) for row in typed], type=field.type) for field in schema
    }
    if flags is not None:
        for rule in flags:
            columns[f"broken__{rule}"] = pa.array([rule in row.get("broken", ()) for row in rows], type=pa.bool_())
        columns["is_dropped"] = pa.array([bool(row.get("dropped")) for row in rows], type=pa.bool_())
    pq.write_table(pa.table(columns), path)

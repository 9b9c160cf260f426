"""Where expressions are executed: `build_mart` makes a mart, `fetch` brings a small result, `hold` keeps an interim.

May import: `config`, `schemas`, `tasks.exact`. Everything else of the scores only composes expressions; so this is
the one place that casts to the contract, rounds to cents, orders, checks keys and counts what rounding moved.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend

from kehu.schemas import fields as f
from kehu.schemas.model import Field, Table
from kehu.schemas.rendering import arrow_schema
from kehu.schemas.types import DATE, IDENTIFIER, MONEY
from kehu.tasks import exact

ROWS_PER_GROUP = 65_536
"""Rows of a Parquet row group and of a batch that is hashed: fixed, so that equal rows give equal bytes."""

_OBJECTS_BETWEEN_COLLECTIONS = 100_000

_EXACT = "exact__"
_NULLS = "nulls__"


class ContractBroken(Exception):
    """A mart does not keep its contract: a defect of ours, not of the input. Nothing of it may be published.

    Args:
        table: the table.
        rule: what is broken, e.g. `key_unique`.
        count: rows (or columns) that break it.
        detail: names of columns, never row values.
    """

    def __init__(self, table: str, rule: str, count: int, detail: str = "") -> None:
        super().__init__(table, rule, count, detail)
        self.table = table
        self.rule = rule
        self.count = count
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.table} breaks {self.rule}: {self.count}{f' ({self.detail})' if self.detail else ''}"


@dataclass(frozen=True)
class BuiltMart:
    """What is known of a mart that was built.

    Attributes:
        name: table name.
        path: Parquet file by contract, sorted by key.
        row_count: rows.
        checksum: SHA-256 over the rows in key order as Arrow IPC, `run_id` left out.
        exact_total: exact sum of the contract's measures before rounding to cents; None where it has none.
        rounding_difference: sum of the published cents − exact sum.
    """

    name: str
    path: Path
    row_count: int
    checksum: str
    exact_total: Decimal | None
    rounding_difference: Decimal | None


def fetch(backend: Backend, expression: ir.Table) -> pa.Table:
    """The rows of a small expression."""
    return backend.to_pyarrow(expression)


@contextmanager
def composing() -> Iterator[None]:
    """While many statements are composed and compiled, which takes longer than most of their queries.

    Ibis leaves nested selects as they are, since the engine fuses them anyway, and Python looks for garbage less often
    among the many small objects expressions are made of. Both are put back at the end.
    """
    ibis_sql, thresholds = ibis.options.sql, gc.get_threshold()
    are_fused = ibis_sql.fuse_selects
    ibis_sql.fuse_selects = False
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        ibis_sql.fuse_selects = are_fused


@contextmanager
def hold(backend: Backend, name: str, expression: ir.Table) -> Iterator[ir.Table]:
    """An interim result computed once and kept as a temporary table while the block lasts.

    Where several marts start from the same rows they would otherwise be computed for each.
    """
    # To overwrite a temporary table, Ibis writes its rows twice.
    held = backend.create_table(name, expression, temp=True)
    try:
        yield held
    finally:
        backend.drop_table(name, force=True)


def build_mart(
    backend: Backend, table: Table, expression: ir.Table, scratch: Path, *, as_of: date, run_id: str
) -> BuiltMart:
    """Execute the expression of a mart and write it by its contract.

    Args:
        backend: Ibis' DuckDB backend.
        table: the contract.
        expression: its columns in any order, without `as_of` and `run_id`; money exact.
        scratch: folder for the Parquet file `<table>.parquet`.
        as_of: the day judged.
        run_id: the run.

    Rule: cast to the contract's types; money rounded half-even to cents; rows ordered by key; the same rows give the
    same file, byte for byte, whatever the threads.

    Raises:
        ContractBroken: a column is missing, a key column is null, or a key stands twice. Further columns are left out.
    """
    _check_columns(table, expression)
    name = f"kehu_build_{table.name}"
    with hold(backend, name, by_contract(table, expression, as_of=as_of, run_id=run_id)) as held:
        counted = _counted(backend, table, held)
        _check_keys(backend, table, held, counted)
        rows = _rows(backend, table, held)
    exact_total, rounding_difference = _totals(table, counted)
    path = scratch.joinpath(f"{table.name}.parquet")
    write_parquet(rows, path)
    return BuiltMart(table.name, path, rows.num_rows, checksum(rows), exact_total, rounding_difference)


def write_parquet(rows: pa.Table, path: Path) -> None:
    """Write rows as Parquet with fixed row groups and compression."""
    pq.write_table(rows, path, row_group_size=ROWS_PER_GROUP, compression="zstd", version="2.6")


def checksum(rows: pa.Table) -> str:
    """SHA-256 over the rows in their order, `run_id` left out: equal for equal rows however they lie in memory.

    Hashed are Arrow IPC streams of fixed batches, a column at a time, as validity and values: what memory holds in the
    place of a null does not count.
    """
    digest = hashlib.sha256()
    names = [name for name in rows.column_names if name != f.run_id.name]
    combined = rows.select(names).combine_chunks()
    for start in range(0, max(combined.num_rows, 1), ROWS_PER_GROUP):
        batch = combined.slice(start, ROWS_PER_GROUP)
        for name in names:
            column = batch[name].combine_chunks()
            digest.update(_stream(name, pc.cast(column.is_valid(), pa.int8())))
            values = column.drop_null()
            # Bits beyond the last of a boolean column are not defined: whole bytes are.
            digest.update(_stream(name, values.cast(pa.int8()) if pa.types.is_boolean(values.type) else values))
    return digest.hexdigest()


def _stream(name: str, values: pa.Array) -> bytes:
    batch = pa.record_batch([values], names=[name])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _check_columns(table: Table, expression: ir.Table) -> None:
    expected = set(table.column_names) - {f.as_of.name, f.run_id.name}
    given = set(expression.columns)
    if missing := sorted(expected - given):
        raise ContractBroken(table.name, "columns_given", len(missing), ", ".join(missing))


def by_contract(table: Table, expression: ir.Table, *, as_of: date, run_id: str) -> ir.Table:
    """The contract's columns, cast and rounded; beside them the exact values of its measures, as `exact__<name>`."""
    added: dict[str, ir.Value] = {
        f.as_of.name: ibis.literal(as_of).cast(_type(DATE.duckdb)),
        f.run_id.name: ibis.literal(run_id).cast(_type(IDENTIFIER.duckdb)),
    }
    shown = {
        column.name: added[column.name] if column.name in added else _cast(column, expression[column.name])
        for column in table.columns
    }
    measures = {f"{_EXACT}{column.name}": exact.widened(expression[column.name]) for column in table.measure}
    return expression.select(**shown, **measures)


def _cast(column: Field, value: ir.Value) -> ir.Value:
    if column.type is MONEY:
        value = exact.half_even(value, 2)
    return value.cast(_type(column.type.duckdb))


def _type(duckdb_type: str) -> str:
    return {"VARCHAR": "string", "BIGINT": "int64", "TIMESTAMPTZ": "timestamp('UTC', 6)"}.get(
        duckdb_type, duckdb_type.lower()
    )


def _check_keys(backend: Backend, table: Table, held: ir.Table, counted: Mapping[str, Any]) -> None:
    keys = list(table.key_names)
    for key in keys:
        if nulls := counted[f"{_NULLS}{key}"]:
            raise ContractBroken(table.name, "key_not_null", nulls, key)
    by_key = held.group_by(keys).aggregate(rows_of_key=held.count())
    surplus = fetch(backend, by_key.aggregate(rows=exact.total(by_key["rows_of_key"] - 1))).to_pylist()[0]["rows"]
    if surplus:
        raise ContractBroken(table.name, "key_unique", int(surplus), ", ".join(keys))


def _counted(backend: Backend, table: Table, held: ir.Table) -> Mapping[str, Any]:
    """Nulls of each key column; exact and published sum of each measure."""
    counts: dict[str, ir.Value] = {f"{_NULLS}{key}": held.count(where=held[key].isnull()) for key in table.key_names}
    for column in table.measure:
        counts[f"{_EXACT}{column.name}"] = exact.total(held[f"{_EXACT}{column.name}"])
        counts[column.name] = exact.total(held[column.name])
    counted: Mapping[str, Any] = fetch(backend, held.aggregate(**counts)).to_pylist()[0]
    return counted


def _totals(table: Table, counted: Mapping[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    if not table.measure:
        return None, None
    names = [column.name for column in table.measure]
    exact_total = sum((counted[f"{_EXACT}{name}"] or Decimal(0) for name in names), Decimal(0))
    shown_total = sum((counted[name] or Decimal(0) for name in names), Decimal(0))
    return exact_total, shown_total - exact_total


def _rows(backend: Backend, table: Table, held: ir.Table) -> pa.Table:
    ordered = held.select(*table.column_names).order_by(list(table.key_names))
    return fetch(backend, ordered).cast(arrow_schema(table))

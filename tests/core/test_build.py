"""What `build_mart` guards: the contract, cents, keys, and equal bytes for equal rows."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conformed_world import NIGHT, backend

from kehu.schemas import fields as f
from kehu.schemas.model import Layer, Table
from kehu.schemas.rendering import arrow_schema
from kehu.tasks.build import BuiltMart, ContractBroken, build_mart, checksum

MART = Table(
    name="mart_test", layer=Layer.MART, label_zh="试", grain="one row per customer", description_en="A mart.",
    description_zh="试。", columns=(f.as_of, f.run_id, f.customer_id, f.sales_net, f.value_share, f.is_internal),
    key=(f.as_of, f.run_id, f.customer_id), measure=(f.sales_net,),
)  # fmt: skip


def _expression(*rows: tuple[str | None, str | None], **more: Any) -> ir.Table:
    columns = {
        "customer_id": pa.array([code for code, _ in rows], pa.string()),
        "sales_net": pa.array([None if v is None else Decimal(v) for _, v in rows], pa.decimal128(38, 6)),
        "value_share": pa.array([Decimal("0.5")] * len(rows), pa.decimal128(18, 6)),
        "is_internal": pa.array([False] * len(rows), pa.bool_()),
    }
    return ibis.memtable(pa.table({**columns, **more}))


def _build(tmp_path: Path, expression: ir.Table) -> BuiltMart:
    return build_mart(backend(), MART, expression, tmp_path, as_of=NIGHT, run_id="run")


def test_a_mart_is_cast_sorted_and_counted(tmp_path: Path) -> None:
    built = _build(tmp_path, _expression(("b", "0.005"), ("a", "0.015"), ("c", "2.675"), ("d", None), ("e", "0.025")))
    rows = pq.read_table(built.path)
    assert rows.schema.equals(arrow_schema(MART))
    assert rows["customer_id"].to_pylist() == ["a", "b", "c", "d", "e"]
    assert [str(v) for v in rows["sales_net"].to_pylist()] == ["0.02", "0.00", "2.68", "None", "0.02"]
    assert (built.row_count, built.exact_total, built.rounding_difference) == (5, Decimal("2.72"), Decimal("0.00"))
    assert set(rows["run_id"].to_pylist()) == {"run"}


def test_what_rounding_moved_is_told(tmp_path: Path) -> None:
    built = _build(tmp_path, _expression(("a", "0.004"), ("b", "0.004"), ("c", "-1.001")))
    assert (built.exact_total, built.rounding_difference) == (Decimal("-0.993"), Decimal("-0.007"))


def test_a_mart_without_rows_is_a_mart(tmp_path: Path) -> None:
    built = _build(tmp_path, _expression())
    assert (built.row_count, built.exact_total) == (0, 0)
    assert pq.read_table(built.path).schema.equals(arrow_schema(MART))


@pytest.mark.parametrize(
    ("expression", "rule", "count"),
    [
        (_expression(("a", "1"), ("a", "2"), ("b", "3"), ("a", "4")), "key_unique", 2),
        (_expression((None, "1"), ("b", "3")), "key_not_null", 1),
        (_expression(("a", "1")).drop("sales_net", "is_internal"), "columns_given", 2),
    ],
)
def test_a_broken_contract_is_a_defect(tmp_path: Path, expression: ir.Table, rule: str, count: int) -> None:
    with pytest.raises(ContractBroken) as broken:
        _build(tmp_path, expression)
    assert (broken.value.table, broken.value.rule, broken.value.count) == ("mart_test", rule, count)
    assert not list(tmp_path.iterdir())


def test_the_checksum_sees_values_and_not_how_memory_holds_them() -> None:
    validity = pa.py_buffer(bytes([0b0101]))

    def column(garbage: int) -> pa.Table:
        values = pa.array([1, garbage, 3, garbage], pa.int64()).buffers()[1]
        return pa.table({"n": pa.Array.from_buffers(pa.int64(), 4, [validity, values]), "t": ["a", None, "", "d"]})

    plain = pa.table({"n": pa.array([1, None, 3, None], pa.int64()), "t": pa.chunked_array([["a", None], ["", "d"]])})
    assert checksum(column(7)) == checksum(column(9)) == checksum(plain)
    assert checksum(plain.slice(0, 3)) != checksum(plain)
    assert checksum(plain.set_column(0, "n", pa.array([1, None, None, 3], pa.int64()))) != checksum(plain)
    assert checksum(plain.rename_columns(["m", "t"])) != checksum(plain)
    bits = pa.table({"b": pa.array([True, None, False])})
    offset = pa.table({"b": pa.array([True, True, True, None, False]).slice(2)})
    assert checksum(bits) == checksum(offset)


def test_the_run_id_does_not_count_in_the_checksum(tmp_path: Path) -> None:
    engine = backend()
    built = [
        build_mart(engine, MART, _expression(("a", "1")), tmp_path, as_of=NIGHT, run_id=run).checksum
        for run in ("x", "y")
    ]
    assert built[0] == built[1]

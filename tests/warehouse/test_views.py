"""The views BI tools read: their rows, their comments, and the status of the data."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from tiny_nights import make_night, publish, rows_of

from kehu.schemas.rendering import arrow_schema
from kehu.schemas.tables import MARTS, PUBLISHED_TABLES, RUN_INPUT, V_DATA_STATUS
from kehu.warehouse.read import reading
from kehu.warehouse.views import view_sql, views_of


def status(warehouse: Path) -> list[dict[str, Any]]:
    with reading(warehouse) as con:
        rows = con.execute("SELECT * FROM v_data_status ORDER BY as_of").to_arrow_table()
    assert rows.schema.names == list(V_DATA_STATUS.column_names)
    assert rows.schema.types == arrow_schema(V_DATA_STATUS).types
    listed: list[dict[str, Any]] = rows.to_pylist()
    return listed


def test_every_mart_has_its_three_views_with_the_columns_of_its_contract(tmp_path: Path) -> None:
    publish(tmp_path / "warehouse", make_night(tmp_path / "rows", 5))
    with reading(tmp_path / "warehouse") as con:
        for table in MARTS:
            for ending in ("", "_history", "_superseded"):
                rows = con.execute(f"SELECT * FROM {table.view}{ending} LIMIT 0").to_arrow_table()
                assert rows.schema.equals(arrow_schema(table).remove_metadata(), check_metadata=False) or (
                    rows.schema.names == list(table.column_names) and rows.schema.types == arrow_schema(table).types
                )


def test_every_table_view_and_column_is_explained_in_both_languages(tmp_path: Path) -> None:
    receipt = publish(tmp_path / "warehouse", make_night(tmp_path / "rows", 5))
    with duckdb.connect(str(receipt.path), read_only=True) as con:
        columns = con.execute(
            "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = 'kehu'"
        )
        explained = {(table, column): comment for table, column, comment in columns.fetchall()}
        relations = dict(
            con.execute("SELECT table_name, comment FROM duckdb_tables() WHERE schema_name = 'kehu'").fetchall()
            + con.execute("SELECT view_name, comment FROM duckdb_views() WHERE schema_name = 'kehu'").fetchall()
        )
    assert set(relations) == {t.name for t in PUBLISHED_TABLES} | {view.name for view in views_of(PUBLISHED_TABLES)}
    for comment in (*explained.values(), *relations.values()):
        english, _, chinese = comment.partition(" | ")
        assert english.strip() and any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
    assert "Hours from the end of the judged day" in explained["v_data_status", "late_hours"]


def test_status_tells_how_late_and_how_complete_a_day_is(tmp_path: Path) -> None:
    """The 5th ends at 16:00 UTC in Shanghai; published at 20:00, four hours later. 301 of the 600 rows in force
    are aside."""
    warehouse = tmp_path / "warehouse"
    publish(warehouse, make_night(tmp_path / "rows", 5, skipped={"mart_abc_summary": "policy_blank: abc.window"}))
    publish(warehouse, make_night(tmp_path / "rows", 6, gate="warned"), hour=40)
    assert status(warehouse) == [
        {
            "as_of": date(2026, 1, 5), "run_id": "20260105-aaaaaaaaaaaa", "run_ids": "20260105-aaaaaaaaaaaa",
            "published_at": datetime(2026, 1, 5, 20, tzinfo=UTC), "late_hours": Decimal("4.000000"), "gate": "open",
            "skipped_marts": "mart_abc_summary (policy_blank: abc.window)", "rows_quarantined": 301, "rows_data": 600,
            "quarantined_share": Decimal("0.501667"),
        },
        {
            "as_of": date(2026, 1, 6), "run_id": "20260106-aaaaaaaaaaaa", "run_ids": "20260106-aaaaaaaaaaaa",
            "published_at": datetime(2026, 1, 7, 16, tzinfo=UTC), "late_hours": Decimal("24.000000"), "gate": "warned",
            "skipped_marts": "", "rows_quarantined": 301, "rows_data": 600, "quarantined_share": Decimal("0.501667"),
        },
    ]  # fmt: skip


def test_status_of_a_day_with_several_official_runs(tmp_path: Path) -> None:
    """After `--only`: the newest run speaks for the batch, the gate is the worst, a mart built later is not skipped."""
    warehouse = tmp_path / "warehouse"
    skipped = {"mart_abc_summary": "no sales", "mart_abc_indicator": "no sales"}
    publish(warehouse, make_night(tmp_path / "rows", 5, gate="warned", skipped=skipped))
    only = make_night(tmp_path / "rows", 5, "b" * 12, marts=("mart_abc_summary",), customers=1)
    publish(warehouse, only, hour=21)
    (day,) = status(warehouse)
    assert day["run_id"] == only.run.run_id
    assert day["run_ids"] == "20260105-aaaaaaaaaaaa, 20260105-bbbbbbbbbbbb"
    assert day["gate"] == "warned" and day["skipped_marts"] == "mart_abc_indicator (no sales)"
    assert day["late_hours"] == 5


@pytest.mark.parametrize(
    ("put_aside", "rows", "share"),
    [(1, 3, "0.333333"), (2, 3, "0.666667"), (1, 2_000_000, "0.000001"), (1, 2_000_001, "0.000000"), (5, 5, "1.000000"),
     (0, 0, None)],
)  # fmt: skip
def test_the_share_put_aside_is_exact(tmp_path: Path, put_aside: int, rows: int, share: str | None) -> None:
    night = make_night(tmp_path / "rows", 5)
    inputs = night.run_tables["run_input"].to_pylist()[:1]
    inputs[0].update(rows_data=rows, rows_quarantined=put_aside)
    tables: dict[str, pa.Table] = {**night.run_tables, "run_input": rows_of(RUN_INPUT, inputs)}
    publish(tmp_path / "warehouse", type(night)(night.run, night.marts, tables))
    assert status(tmp_path / "warehouse")[0]["quarantined_share"] == (None if share is None else Decimal(share))


def test_a_day_published_before_it_ended_is_early(tmp_path: Path) -> None:
    night = make_night(tmp_path / "rows", 5)
    at = datetime(2026, 1, 5, 16, tzinfo=UTC) - timedelta(hours=1, minutes=30)
    publish(tmp_path / "warehouse", night, published_at=at)
    assert status(tmp_path / "warehouse")[0]["late_hours"] == Decimal("-1.5")


def test_the_statement_of_every_view_can_be_read_and_run(tmp_path: Path) -> None:
    publish(tmp_path / "warehouse", make_night(tmp_path / "rows", 5))
    statements = view_sql()
    assert list(statements)[-1] == "v_data_status" and len(statements) == 3 * len(MARTS) + 1
    with reading(tmp_path / "warehouse") as con:
        for name, statement in statements.items():
            assert con.execute(statement).fetchall() == con.execute(f"SELECT * FROM {name}").fetchall()

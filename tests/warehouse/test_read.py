"""The list and the story of runs, and what is said where there is no warehouse."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from tiny_nights import PORTFOLIO, make_night, publish, rows_of

from kehu.config.errors import EXIT_USAGE, EXIT_WAREHOUSE, UsageError, WarehouseError
from kehu.schemas.tables import DQ_RESULT
from kehu.warehouse.connections import connect_scratch
from kehu.warehouse.read import (
    RunEntry,
    connect_read,
    current_run,
    is_published,
    list_runs,
    published_run,
    query_published,
    refuse_other_portfolio,
    show_run,
    stored_portfolio,
)


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """Two runs of the 5th, the second only of one mart, and one of the 6th."""
    night = make_night(tmp_path / "rows", 5, skipped={"mart_abc_summary": "no sales"})
    identity = {"as_of": night.run.as_of, "run_id": night.run.run_id, "suite": "sales_line"}
    quality = rows_of(
        DQ_RESULT, [{**identity, "rule": "b", "is_passed": True}, {**identity, "rule": "a", "is_passed": False}]
    )
    publish(tmp_path / "warehouse", type(night)(night.run, night.marts, {**night.run_tables, "dq_result": quality}))
    publish(tmp_path / "warehouse", make_night(tmp_path / "rows", 5, "b" * 12, marts=("dim_customer",)), hour=21)
    publish(tmp_path / "warehouse", make_night(tmp_path / "rows", 6, "b" * 12, sandbox="try", known_at=None))
    return tmp_path / "warehouse"


def test_runs_are_listed_newest_day_first(warehouse: Path) -> None:
    runs = list_runs(warehouse)
    assert [(run.run_id, run.official_marts) for run in runs] == [
        ("20260106-bbbbbbbbbbbb", ("dim_customer", "mart_abc_customer")),
        ("20260105-aaaaaaaaaaaa", ("mart_abc_customer",)),
        ("20260105-bbbbbbbbbbbb", ("dim_customer",)),
    ]  # fmt: skip
    assert runs[0].known_at is None and runs[0].sandbox == "try"
    assert runs[1] == RunEntry(
        run_id="20260105-aaaaaaaaaaaa", as_of=date(2026, 1, 5), known_at=date(2026, 1, 5), gate="open",
        started_at=datetime(2026, 1, 5, 18, tzinfo=UTC), finished_at=datetime(2026, 1, 5, 18, 5, tzinfo=UTC),
        code_version="0.1.0", sandbox=None, official_marts=("mart_abc_customer",),
        published_at=datetime(2026, 1, 5, 20, tzinfo=UTC),
    )  # fmt: skip


def test_a_run_tells_its_story(warehouse: Path) -> None:
    story = show_run(warehouse, "20260105-a")
    assert story.log["run_id"] == "20260105-aaaaaaaaaaaa" and story.log["parameters"] == "{}"
    assert [(row["mart"], row["mart_status"], row["reason"]) for row in story.marts] == [
        ("dim_customer", "published", None), ("mart_abc_customer", "published", None),
        ("mart_abc_summary", "skipped", "no sales"),
    ]  # fmt: skip
    assert [row["mart"] for row in story.pointers] == ["mart_abc_customer"]
    assert [row["file_name"] for row in story.inputs] == ["new.csv", "old.csv"]
    assert [(row["rule"], row["is_passed"]) for row in story.quality] == [("a", False), ("b", True)]
    assert story.input_reasons == story.quarantine == ()


def test_unknown_and_ambiguous_runs(warehouse: Path) -> None:
    for asked, code in (("20260105-", "ambiguous_run"), ("2030", "unknown_run"), ("' OR true --", "unknown_run")):
        with pytest.raises(UsageError) as raised:
            show_run(warehouse, asked)
        assert raised.value.code == code and raised.value.exit_code == EXIT_USAGE


def test_which_run_is_official(warehouse: Path) -> None:
    assert current_run(warehouse, date(2026, 1, 5), "dim_customer") == "20260105-bbbbbbbbbbbb"
    assert current_run(warehouse, date(2026, 1, 5), "mart_abc_customer") == "20260105-aaaaaaaaaaaa"
    assert current_run(warehouse, date(2026, 1, 4), "dim_customer") is None
    assert not is_published(warehouse, "20260105-aaaaaaaaaaaa") and is_published(warehouse, "20260105-bbbbbbbbbbbb")
    assert not is_published(warehouse, "20260105-cccccccccccc")
    found = published_run(warehouse, "20260105-aaaaaaaaaaaa")
    assert found is not None and found.official_marts == ("mart_abc_customer",)
    assert published_run(warehouse, "20260105-a") is None


def test_rows_of_a_run(warehouse: Path) -> None:
    run = "20260106-bbbbbbbbbbbb"
    rows = query_published(warehouse, "mart_abc_customer", run, order_by=("sales_net", "sales_tax_unknown"), limit=2)
    assert [(row["customer_id"], row["sales_net"]) for row in rows] == [
        ("00000", Decimal(100)),
        ("00001", Decimal(100)),
    ]
    assert len(query_published(warehouse, "mart_abc_customer", run)) == 3
    with pytest.raises(KeyError):
        query_published(warehouse, "mart_abc_customer", run, order_by=("no_such",))
    with pytest.raises(KeyError):
        query_published(warehouse, "pg_user", run)


def test_the_portfolio_is_known(warehouse: Path) -> None:
    stored = stored_portfolio(warehouse)
    assert stored is not None
    assert (stored.name, stored.reporting_currency, stored.timezone) == ("demo", "CNY", "Asia/Shanghai")
    refuse_other_portfolio(stored, PORTFOLIO)
    refuse_other_portfolio(None, PORTFOLIO)


def test_before_the_first_night(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for where in (tmp_path / "none", tmp_path / "empty", tmp_path / "kehu.duckdb", f"duckdb:///{tmp_path}/none"):
        with pytest.raises(WarehouseError) as raised:
            connect_read(where)
        error = raised.value
        assert error.code == "warehouse_missing" and error.exit_code == EXIT_WAREHOUSE and "kehu run" in str(error.hint)
        assert stored_portfolio(where) is None and published_run(where, "x") is None and not is_published(where, "x")
        assert current_run(where, date(2026, 1, 5), "dim_customer") is None


def with_storage_version(content: bytes, version: int) -> bytes:
    """A DuckDB file whose header states another storage version, its checksum made good."""
    header = content[8:12] + struct.pack("<Q", version) + content[20:4096]
    checksum = 5381
    for (word,) in struct.iter_unpack("<Q", header):
        checksum ^= word * 0xBF58476D1CE4E5B9 & (1 << 64) - 1
    return struct.pack("<Q", checksum) + header + content[4096:]


def test_files_that_are_no_warehouse(tmp_path: Path, warehouse: Path) -> None:
    text = tmp_path / "text.duckdb"
    text.write_text("客户\n" * 5000, encoding="utf-8")
    other, newer, damaged = tmp_path / "other.duckdb", tmp_path / "newer.duckdb", tmp_path / "damaged.duckdb"
    with duckdb.connect(str(other)) as con:
        con.execute("CREATE TABLE t (a INTEGER)")
    newer.write_bytes(with_storage_version(other.read_bytes(), 9999))
    damaged.write_bytes(bytes(8) + other.read_bytes()[8:])
    expected = ((text, "not_a_warehouse"), (newer, "newer_storage"), (other, "not_a_warehouse"), (damaged, "damaged"))
    for path, code in expected:
        with pytest.raises(WarehouseError) as raised:
            connect_read(path)
        assert raised.value.code == code, path


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path, warehouse: Path) -> None:
    link = warehouse / "kehu.duckdb"
    link.unlink()
    for do in (lambda: connect_read(warehouse), lambda: publish(warehouse, make_night(tmp_path / "rows", 7))):
        with pytest.raises(WarehouseError) as raised:
            do()
        assert raised.value.code == "link_missing"
    for make in (lambda: link.write_bytes(b"mine"), lambda: link.symlink_to("../elsewhere.duckdb")):
        make()
        with pytest.raises(WarehouseError) as raised:
            publish(warehouse, make_night(tmp_path / "rows", 7))
        assert raised.value.code == "not_our_link"
        link.unlink()
    link.symlink_to("kehu-000003.duckdb")
    assert publish(warehouse, make_night(tmp_path / "rows", 7)).version == 4


def test_scratch_connections_have_our_settings(tmp_path: Path) -> None:
    asked = [
        "threads",
        "memory_limit",
        "temp_directory",
        "TimeZone",
        "autoinstall_known_extensions",
        "autoload_known_extensions",
    ]
    with connect_scratch(tmp_path / "scratch", threads=1, memory_limit="1GB") as con:
        found = {name: con.execute(f"SELECT current_setting('{name}')").fetchone() for name in asked}
        assert found == {
            "threads": (1,), "memory_limit": ("953.6 MiB",), "temp_directory": (str(tmp_path / "scratch" / "spill"),),
            "TimeZone": ("UTC",), "autoinstall_known_extensions": (False,), "autoload_known_extensions": (False,),
        }  # fmt: skip
    with connect_scratch(tmp_path / "scratch", preserve_insertion_order=False) as con:
        assert con.execute("SELECT current_setting('preserve_insertion_order')").fetchall() == [(False,)]

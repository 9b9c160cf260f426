"""What a publication adds, moves, refuses and leaves alone."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_nights import MARTS, PORTFOLIO, make_night, publish, rows_of

from kehu.config.errors import EXIT_DEFECT, EXIT_SETTINGS, EXIT_WAREHOUSE, KehuError
from kehu.schemas import fields as f
from kehu.schemas.model import Table
from kehu.schemas.tables import DIM_CUSTOMER, MART_ABC_CUSTOMER, PUBLISHED_TABLES, RUN_INPUT, RUN_MART
from kehu.schemas.types import AMOUNT, COUNT, IDENTIFIER
from kehu.warehouse.publish import MovedPointer
from kehu.warehouse.read import current_run, is_published, reading


def ask(warehouse: Path, statement: str) -> list[tuple[Any, ...]]:
    with reading(warehouse) as con:
        return con.execute(statement).fetchall()


def test_first_night_is_there_with_its_rows_and_facts(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    receipt = publish(warehouse, make_night(tmp_path / "rows", 5))
    assert receipt.changed and receipt.version == 1
    assert receipt.rows == {"run_log": 1, "dim_customer": 3, "mart_abc_customer": 3, "run_mart": 2, "run_input": 2}
    assert receipt.moved == tuple(MovedPointer(mart, "20260105-aaaaaaaaaaaa", None) for mart in MARTS)
    assert receipt.path.name == "kehu-000001.duckdb" and stat.S_IMODE(receipt.path.stat().st_mode) == 0o444
    assert (warehouse / "kehu.duckdb").readlink() == Path("kehu-000001.duckdb")
    assert sorted(path.name for path in warehouse.iterdir()) == [".master", "kehu-000001.duckdb", "kehu.duckdb"]
    assert stat.S_IMODE((warehouse / ".master").stat().st_mode) == 0o700
    assert ask(warehouse, "SELECT customer_id, sales_net FROM v_abc_customer") == [
        (f"{n:05d}", Decimal(100)) for n in range(3)
    ]
    assert ask(warehouse, "SELECT run_id, run_status, gate, parameters FROM run_log") == [
        ("20260105-aaaaaaaaaaaa", "published", "open", "{}")
    ]
    assert ask(warehouse, "SELECT portfolio_name, reporting_currency, code_version FROM run_portfolio") == [
        ("demo", "CNY", "0.1.0")
    ]


def test_publishing_an_official_run_again_changes_nothing(tmp_path: Path) -> None:
    warehouse, night = tmp_path / "warehouse", make_night(tmp_path / "rows", 5)
    publish(warehouse, night)
    before = {path: path.stat() for path in warehouse.rglob("*")}
    again = publish(warehouse, night, hour=23)
    assert not again.changed and again.version == 1 and again.rows == {} and again.moved == ()
    assert {path: path.stat().st_mtime_ns for path in before if path.name != "lock"} == {
        path: facts.st_mtime_ns for path, facts in before.items() if path.name != "lock"
    }


def test_a_second_run_of_the_day_supersedes_and_gives_way_again(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    first, second = make_night(tmp_path / "rows", 5, "a" * 12), make_night(tmp_path / "rows", 5, "b" * 12, value=200)
    publish(warehouse, first)
    moved = publish(warehouse, second, hour=21).moved
    assert [(p.run_id, p.superseded_run_id) for p in moved] == [(second.run.run_id, first.run.run_id)] * 2
    assert ask(warehouse, "SELECT DISTINCT sales_net FROM v_abc_customer") == [(Decimal(200),)]
    assert ask(warehouse, "SELECT DISTINCT sales_net FROM v_abc_customer_superseded") == [(Decimal(100),)]
    assert ask(warehouse, "SELECT DISTINCT superseded_run_id, reason FROM run_current") == [
        (first.run.run_id, "nightly")
    ]
    assert not is_published(warehouse, first.run.run_id) and is_published(warehouse, second.run.run_id)

    back = publish(warehouse, first, hour=22)
    assert back.changed and back.rows == {} and len(back.moved) == 2
    assert ask(warehouse, "SELECT DISTINCT sales_net FROM v_abc_customer") == [(Decimal(100),)]
    assert ask(warehouse, "SELECT count(*), count(DISTINCT run_id) FROM mart_abc_customer") == [(6, 2)]
    assert current_run(warehouse, date(2026, 1, 5), "dim_customer") == first.run.run_id


def test_only_moves_the_named_marts(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    publish(warehouse, make_night(tmp_path / "rows", 5))
    publish(warehouse, make_night(tmp_path / "rows", 5, "b" * 12, marts=("mart_abc_customer",), value=7), hour=21)
    assert ask(warehouse, "SELECT mart, run_id FROM run_current ORDER BY mart") == [
        ("dim_customer", "20260105-aaaaaaaaaaaa"),
        ("mart_abc_customer", "20260105-bbbbbbbbbbbb"),
    ]


def test_history_grows_and_a_backfill_of_an_older_day_leaves_the_newest_view_alone(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    for day in (6, 5, 7, 4):
        publish(warehouse, make_night(tmp_path / "rows", day, value=day), hour=100)
    assert ask(warehouse, "SELECT DISTINCT as_of FROM v_abc_customer") == [(date(2026, 1, 7),)]
    assert ask(warehouse, "SELECT as_of, count(*) FROM v_abc_customer_history GROUP BY 1 ORDER BY 1") == [
        (date(2026, 1, day), 3) for day in (4, 5, 6, 7)
    ]


def test_the_newest_versions_stay(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    for day in range(1, 6):
        publish(warehouse, make_night(tmp_path / "rows", day), kept_versions=2)
    assert sorted(p.name for p in warehouse.glob("kehu-*")) == ["kehu-000004.duckdb", "kehu-000005.duckdb"]
    assert sorted(p.name for p in (warehouse / ".master").iterdir()) == [
        "kehu-000005.duckdb", "kehu-000005.json", "lock", "published",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [{"name": "other"}, {"reporting_currency": "USD"}, {"timezone": "Europe/Paris"}, {"fiscal_year_start_month": 4}],
)
def test_another_portfolio_is_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    warehouse = tmp_path / "warehouse"
    publish(warehouse, make_night(tmp_path / "rows", 5))
    with pytest.raises(KehuError) as raised:
        publish(warehouse, make_night(tmp_path / "rows", 6), portfolio=replace(PORTFOLIO, **changed))
    assert raised.value.code == "other_portfolio" and raised.value.exit_code == EXIT_SETTINGS
    assert next(iter(changed)) in raised.value.details[0]
    assert ask(warehouse, "SELECT count(*) FROM run_log") == [(1,)]
    assert not list((warehouse / ".master").glob("work-*"))


def test_an_open_currency_takes_the_stored_one_but_must_be_known_first(tmp_path: Path) -> None:
    warehouse, open_currency = tmp_path / "warehouse", replace(PORTFOLIO, reporting_currency=None)
    with pytest.raises(KehuError) as raised:
        publish(warehouse, make_night(tmp_path / "rows", 5), portfolio=open_currency)
    assert raised.value.code == "currency_missing"
    publish(warehouse, make_night(tmp_path / "rows", 5))
    assert publish(warehouse, make_night(tmp_path / "rows", 6), portfolio=open_currency).changed


# --- rows that break their contract -----------------------------------------------------------------------------------


def change_mart(night: Any, change: Any, mart: str = "mart_abc_customer") -> Any:
    path = night.marts[mart]
    pq.write_table(change(pq.read_table(path)), path)
    return night


def change_cell(column: str, row: int, value: Any) -> Any:
    def change(table: pa.Table) -> pa.Table:
        values = table.column(column).to_pylist()
        values[row] = value
        at = table.column_names.index(column)
        return table.set_column(at, table.schema.field(column), pa.array(values, table.schema.field(column).type))

    return change


@pytest.mark.parametrize(
    ("code", "change", "count", "keys"),
    [
        ("key_not_unique", change_cell("customer_id", 1, "00000"), 1, ("demo / main / 00000 / net",)),
        ("other_run", change_cell("run_id", 1, "20260105-other"), 1, ()),
        ("other_run", change_cell("as_of", 1, date(2026, 1, 4)), 1, ()),
        ("row_count_differs", lambda table: table.slice(1), 2, ()),
        ("columns_differ", lambda table: table.drop_columns(["sales_lines"]), None, ("sales_lines",)),
        ("columns_differ", lambda table: table.append_column("extra", pa.array([1, 2, 3])), None, ("extra",)),
        ("columns_differ", lambda table: table.set_column(
            table.column_names.index("sales_lines"), "sales_lines", pa.array([1.0, 2.0, 3.0])), None, ("sales_lines",)),
    ],
)  # fmt: skip
def test_rows_that_break_their_contract_are_not_published(
    tmp_path: Path, code: str, change: Any, count: int | None, keys: tuple[str, ...]
) -> None:
    warehouse = tmp_path / "warehouse"
    publish(warehouse, make_night(tmp_path / "rows", 4))
    with pytest.raises(KehuError) as raised:
        publish(warehouse, change_mart(make_night(tmp_path / "rows", 5), change))
    error = raised.value
    assert (error.code, error.count, error.keys) == (code, count, keys) and error.exit_code == EXIT_DEFECT
    assert error.details == ("table mart_abc_customer",)
    assert ask(warehouse, "SELECT DISTINCT as_of FROM v_abc_customer_history") == [(date(2026, 1, 4),)]
    assert publish(warehouse, make_night(tmp_path / "rows", 5)).changed


def test_the_receipts_decide_which_marts_there_are(tmp_path: Path) -> None:
    night = make_night(tmp_path / "rows", 5)
    with pytest.raises(KehuError) as raised:
        publish(tmp_path / "warehouse", replace(night, marts={"dim_customer": night.marts["dim_customer"]}))
    assert (raised.value.code, raised.value.keys) == ("marts_differ", ("mart_abc_customer",))
    with pytest.raises(KehuError) as raised:
        publish(tmp_path / "warehouse", replace(night, run_tables={}))
    assert raised.value.code == "receipts_missing"
    own = {**night.run_tables, "run_log": night.run_tables["run_mart"]}
    with pytest.raises(KehuError) as raised:
        publish(tmp_path / "warehouse", replace(night, run_tables=own))
    assert raised.value.code == "unknown_run_table"


def test_the_same_run_id_with_other_rows_is_a_defect(tmp_path: Path) -> None:
    warehouse, night = tmp_path / "warehouse", make_night(tmp_path / "rows", 5)
    publish(warehouse, night)
    receipts = night.run_tables["run_mart"].to_pylist()
    receipts[0]["checksum"] = "another"
    with pytest.raises(KehuError) as raised:
        publish(warehouse, replace(night, run_tables={**night.run_tables, "run_mart": rows_of(RUN_MART, receipts)}))
    assert (raised.value.code, raised.value.keys) == ("not_reproduced", ("dim_customer",))


# --- contracts that changed -------------------------------------------------------------------------------------------


def changed_tables(changed: Table) -> tuple[Table, ...]:
    return tuple(changed if table.name == changed.name else table for table in PUBLISHED_TABLES)


def with_columns(table: Table, *columns: Any, without: tuple[str, ...] = ()) -> Table:
    kept = [column for column in table.columns if column.name not in (*without, *(c.name for c in columns))]
    key = tuple(column for column in (*kept, *columns) if column.name in table.key_names)
    return replace(table, columns=(*kept, *columns), key=key)


def test_kept_rows_are_carried_over_by_name_cast_former_name_and_default(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    publish(warehouse, make_night(tmp_path / "rows", 5))
    newer = changed_tables(with_columns(
        MART_ABC_CUSTOMER,
        replace(f.sales_net, type=AMOUNT),
        replace(f.sales_class, name="tier", formerly=("sales_class",)),
        replace(f.sales_lines, name="score", default="7"),
        replace(f.region, name="market"),
        without=("sales_class", "scored_party"),
    ))  # fmt: skip
    night = make_night(tmp_path / "rows", 6, "b" * 12, tables=newer, code_version="0.2.0")
    receipt = publish(warehouse, night, tables=newer)
    assert receipt.is_rebuilt and receipt.left_behind == ("mart_abc_customer.scored_party",)
    columns = "as_of, sales_net, tier, score, market"
    assert ask(
        warehouse, f"SELECT {columns} FROM v_abc_customer_history WHERE customer_id = '00000' ORDER BY as_of"
    ) == [(date(2026, 1, 5), Decimal("100.00"), "A", 7, None), (date(2026, 1, 6), Decimal("100.00"), None, None, None)]
    assert ask(warehouse, "SELECT count(*) FROM run_log") == [(2,)]
    assert not publish(warehouse, night, tables=newer).changed
    assert not list((warehouse / ".master").glob("work-*"))

    with pytest.raises(KehuError) as raised:
        publish(warehouse, make_night(tmp_path / "rows", 7))
    assert raised.value.code == "newer_contracts" and raised.value.exit_code == EXIT_WAREHOUSE


def test_a_cast_that_would_change_published_values_is_refused(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    publish(warehouse, make_night(tmp_path / "rows", 5))
    for column, table in (
        (replace(f.customer_id, type=COUNT), DIM_CUSTOMER),  # '00000' → 0 loses digits
        (replace(f.sales_class, type=COUNT), MART_ABC_CUSTOMER),  # 'A' is no number
    ):
        newer = changed_tables(with_columns(table, column))
        with pytest.raises(KehuError) as raised:
            publish(warehouse, make_night(tmp_path / "rows", 6), tables=newer)
        error = raised.value
        assert (error.code, error.column, error.count) == ("column_not_castable", column.name, 3)
        assert error.exit_code == EXIT_WAREHOUSE
    assert ask(warehouse, "SELECT count(*) FROM run_log") == [(1,)]


def test_a_new_key_column_needs_a_default(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    publish(warehouse, make_night(tmp_path / "rows", 5))
    channel = replace(f.region, name="channel", type=IDENTIFIER)

    def with_key(column: Any) -> tuple[Table, ...]:
        return changed_tables(replace(RUN_INPUT, columns=(*RUN_INPUT.columns, column), key=(*RUN_INPUT.key, column)))

    with pytest.raises(KehuError) as raised:
        publish(warehouse, make_night(tmp_path / "rows", 6, tables=with_key(channel)), tables=with_key(channel))
    assert (raised.value.code, raised.value.column) == ("key_without_default", "channel")


def test_newer_code_with_equal_contracts_only_notes_its_version(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    publish(warehouse, make_night(tmp_path / "rows", 5))
    assert not publish(warehouse, make_night(tmp_path / "rows", 6, code_version="1.0.0")).is_rebuilt
    assert ask(warehouse, "SELECT code_version FROM run_portfolio") == [("1.0.0",)]
    assert publish(warehouse, make_night(tmp_path / "rows", 7)).changed

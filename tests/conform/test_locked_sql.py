"""`sql` feeds: what they can do, and what they cannot reach."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kehu.config.errors import SettingsError
from kehu.config.sources import Feed, FileMapping, SourceMapping
from kehu.tasks.conformed import Conformed
from kehu.tasks.corrections import Correction
from kehu.tasks.locked_sql import files_read
from tests.conform.conftest import DELIVERED, World, feed, outcomes

ORDERS = '单号,行,日期,客户,额\nA1,1,2024-03-05,C1,"1,000"\nA1,2,2024-03-05,C1,5\nB1,1,2024-03-06,C2,7\n合计,,,,1012\n'
RETURNS = "单号,退回\nA1,是\n"
HEADERS = (
    "SELECT o._record, 单号 AS document_id, 行 AS line_id, 日期 AS document_date, 客户 AS customer_id, 额 AS amount_net"
)


def mapping(sql: str) -> SourceMapping:
    orders = FileMapping(
        name="orders", match=("orders.csv",), mode="snapshot", header_row=1,
        feeds=(Feed(entity="sales_line", constants={"document_type": "order"}, sql=sql),),
    )  # fmt: skip
    returns = FileMapping(
        name="returns",
        match=("returns.csv",),
        mode="snapshot",
        header_row=1,
        feeds=(feed("owner", sql="SELECT _record, 单号 AS owner_id FROM returns"),),
    )
    return SourceMapping(
        name="erp",
        system="erp",
        description="Test.",
        files=(orders, returns),
        tax="excluded",
        delivered_at=DELIVERED,
        file="sources/erp.yaml",
    )


def run(world: World, sql: str) -> Conformed:
    (world.exports / "orders.csv").write_text(ORDERS, encoding="utf-8")
    (world.exports / "returns.csv").write_text(RETURNS, encoding="utf-8")
    return world.run(mapping(sql))[0]


def test_one_select_joins_files_of_the_source(world: World) -> None:
    receipt = run(
        world,
        f"{HEADERS}, r.退回 AS is_return FROM orders AS o LEFT JOIN returns AS r USING (单号) WHERE amount(额) < 1000 "
        f"OR 行 = '1'",
    )
    assert world.rows(receipt, "document_id, line_id, amount_net, is_return, source_row") == [
        ("A1", "1", -1000, True, 2),
        ("A1", "2", -5, True, 3),
        ("B1", "1", 7, None, 4),
    ]
    assert receipt.rows_total == 1 and receipt.unmapped_headers == ()


def test_records_the_statement_leaves_out_are_unmapped(world: World) -> None:
    receipt = run(world, f"WITH own AS (SELECT * FROM orders WHERE 客户 = 'C1') {HEADERS} FROM own AS o")
    assert outcomes(receipt) == {("accepted", ""): 2, ("unmapped", "not_selected"): 1}


def test_rows_put_aside_show_the_texts_of_the_file(world: World) -> None:
    receipt = run(world, HEADERS.replace("额 AS", "'x' AS") + " FROM orders AS o")
    assert world.rows(receipt, "*", "quarantined")[0][3:] == ("A1", "1", "2024-03-05", "C1", "1,000")


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("COPY orders TO '{out}'", "sql_not_one_select"),
        ("COPY (SELECT 1) TO '{out}'", "sql_not_one_select"),
        ("ATTACH '{out}'", "sql_not_one_select"),
        ("PRAGMA database_list", "sql_not_one_select"),
        ("SET enable_external_access = true", "sql_not_one_select"),
        ("INSTALL httpfs", "sql_not_one_select"),
        ("DROP TABLE orders", "sql_not_one_select"),
        ("SELECT 1 AS _record; SELECT 2", "sql_not_one_select"),
        ("SELEC 1", "sql_not_one_select"),
        ("", "sql_not_one_select"),
        ("SELECT _record, content AS document_id FROM orders, read_text('/etc/passwd')", "sql_not_allowed"),
        ("SELECT * FROM read_csv('/etc/passwd')", "sql_not_allowed"),
        ("SELECT * FROM '/etc/passwd'", "sql_unknown_table"),
        ("SELECT * FROM glob('*')", "sql_not_allowed"),
        ("SELECT * FROM duckdb_settings()", "sql_not_allowed"),
        ("SELECT * FROM information_schema.tables", "sql_not_allowed"),
        ("SELECT * FROM kunden", "sql_unknown_table"),
        ("SELECT * FROM query('SELECT 1')", "sql_not_allowed"),
        ("SELECT _record, getenv('HOME') AS document_id FROM orders", "sql_not_allowed"),
        ("SELECT _record, current_setting('threads') AS document_id FROM orders", "sql_not_allowed"),
        ("SELECT _record, now() AS document_date FROM orders", "sql_not_allowed"),
        ("SELECT _record, current_date AS document_date FROM orders", "sql_not_allowed"),
        ("SELECT _record, random() AS amount_net FROM orders", "sql_not_allowed"),
        ("SELECT 单号 AS document_id FROM orders", "sql_without_record"),
        ("SELECT _record, nix AS document_id FROM orders", "sql_fails"),
        ("SELECT _record, CAST(单号 AS INTEGER) AS document_id FROM orders", "sql_fails"),
        (f"{HEADERS.replace('单号', 'o.单号')} FROM orders AS o, returns", "ok"),
        (f"{HEADERS} FROM orders AS o UNION ALL {HEADERS} FROM orders AS o", "sql_repeats_record"),
        (f"{HEADERS.replace('o._record', '99 AS _record')} FROM orders AS o WHERE 客户 = 'C2'", "sql_repeats_record"),
        (f"{HEADERS}, 1 AS foo FROM orders AS o", "unknown_column"),
    ],
)  # fmt: skip
def test_anything_but_one_select_over_the_source_is_refused(world: World, sql: str, code: str, tmp_path: Path) -> None:
    out = tmp_path / "stolen.csv"
    if code == "ok":
        assert run(world, sql).rows_accepted == 3
        return
    with pytest.raises(SettingsError) as caught:
        run(world, sql.replace("{out}", str(out)))
    assert (caught.value.code, caught.value.exit_code, caught.value.file) == (code, 10, "sources/erp.yaml")
    assert str(caught.value.setting).startswith("files.orders.sales_line")
    assert not out.exists()
    assert not list((world.home / "scratch").iterdir())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT _record, content AS document_id FROM orders, read_text('/etc/passwd')",
        "SELECT _record, x.* FROM orders, read_csv('/etc/passwd', header = false) AS x",
        "SELECT _record FROM '{file}'",
        "SELECT _record FROM secret_frame",
    ],
)
def test_the_connection_itself_is_locked(world: World, sql: str, monkeypatch: Any, tmp_path: Path) -> None:
    """Were the parser fooled, the engine still reads no file, no setting and no variable of this process."""
    import pyarrow as pa

    secret_frame = pa.table({"_record": [1]})
    (tmp_path / "secret.csv").write_text("_record\n1\n", encoding="utf-8")
    monkeypatch.setattr("kehu.tasks.locked_sql.check_statement", lambda statement, tables, place: statement)
    with pytest.raises(SettingsError) as caught:
        run(world, sql.replace("{file}", str(tmp_path / "secret.csv")))
    assert caught.value.code == "sql_fails"
    assert secret_frame.num_rows == 1


def test_the_lock_cannot_be_opened_again(world: World, monkeypatch: Any) -> None:
    seen: list[str] = []
    connect = duckdb.connect

    def connect_and_try(*arguments: Any, **settings: Any) -> Any:
        connection = connect(*arguments, **settings)
        if settings.get("read_only"):
            seen.append("locked")
        return connection

    monkeypatch.setattr(duckdb, "connect", connect_and_try)
    run(world, f"{HEADERS} FROM orders AS o")
    assert seen == ["locked", "locked"]


def test_the_newest_companion_known_on_that_day_is_read(world: World) -> None:
    sql = f"{HEADERS}, r.退回 AS is_return FROM orders AS o LEFT JOIN returns AS r USING (单号)"
    first = run(world, sql)
    (world.exports / "returns.csv").write_text("单号,退回\nB1,是\n", encoding="utf-8")
    second = world.run(mapping(sql))[0]
    assert world.rows(first, "count(*) FILTER (WHERE is_return)") == [(2,)]
    assert second.directory != first.directory


def test_how_a_companion_is_read_is_part_of_what_rows_depend_on(world: World) -> None:
    sql = f"{HEADERS} FROM orders AS o LEFT JOIN returns AS r USING (单号)"
    first = run(world, sql)
    stated = mapping(sql)
    orders, returns = stated.files
    second = world.run(replace(stated, files=(orders, replace(returns, delimiter=","))))[0]
    assert second.directory != first.directory


def test_a_companion_is_read_with_its_corrections(world: World) -> None:
    """Mended cells of a file count wherever the file is read, and a mend whose error is gone stops there too."""
    sql = f"{HEADERS}, r.退回 AS is_return FROM orders AS o LEFT JOIN returns AS r USING (单号)"
    first = run(world, sql)
    mend = Correction("erp", "returns.csv", (("退回", "是"),), "单号", "A1", "B1", "typed", "Li", date(2024, 3, 9))
    second = world.run(mapping(sql), corrections=[mend])[0]
    returned = "string_agg(DISTINCT document_id) FILTER (WHERE is_return)"
    assert (world.rows(first, returned), world.rows(second, returned)) == ([("A1",)], [("B1",)])
    assert second.directory != first.directory
    with pytest.raises(SettingsError) as refused:
        world.run(mapping(sql), corrections=[replace(mend, wrong="A9")])
    assert (refused.value.code, refused.value.file) == ("correction_without_error", "returns.csv")


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("SELECT _record FROM orders", {"orders"}),
        ("WITH own AS (SELECT * FROM orders) SELECT _record FROM own, RETURNS", {"orders", "returns"}),
        ("WITH returns AS (SELECT * FROM returns) SELECT _record FROM returns", {"returns"}),
        ("SELECT _record FROM order", {"orders", "returns"}),
        ("SELEC 1 FROM", {"orders", "returns"}),
    ],
)
def test_which_files_a_statement_reads(sql: str, read: set[str]) -> None:
    """Only these are read as companions; of a wrong statement all, so that the error can say what there is."""
    assert files_read(sql, ("orders", "returns")) == read


def test_a_file_the_statement_does_not_name_may_change(world: World) -> None:
    sql = f"{HEADERS} FROM orders AS o"
    first = run(world, sql)
    orders, returns = mapping(sql).files
    again = world.run(replace(mapping(sql), files=(orders, replace(returns, delimiter=","))))
    assert again[0].directory == first.directory


def test_a_file_may_be_there_for_other_files_only(world: World) -> None:
    sql = f"{HEADERS}, r.退回 AS is_return FROM orders AS o LEFT JOIN returns AS r USING (单号)"
    run(world, sql)
    orders, returns = mapping(sql).files
    (receipt,) = world.run(replace(mapping(sql), files=(orders, replace(returns, feeds=()))))
    assert world.rows(receipt, "count(*) FILTER (WHERE is_return)") == [(2,)]

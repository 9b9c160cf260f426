"""Broken files: each ends in the documented error, names the file, and leaves nothing behind."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
from shop import DELIVERED, MAPPING, NO_SCORES, SALES_HEADER, Shop, as_csv

SALES = f"销售_{DELIVERED}.csv"


def test_missing_column(shop: Shop) -> None:
    shop.write(SALES, as_csv(SALES_HEADER.replace("金额", "总额").replace("数量", "件数"), shop.sales))
    error = shop.refused(11, "column_missing")
    assert error["file"] == SALES and error["count"] == 2
    assert "金额" in str(error) and "数量" in str(error)
    assert "总额" in str(error)  # the closest header that is there


def test_missing_column_of_an_entity_matched_by_synonyms(shop: Shop) -> None:
    shop.map(MAPPING.split("        columns:")[0])
    shop.write(f"客户_{DELIVERED}.csv", as_csv("名称,电话", [line[1:] for line in shop.customers]))
    error = shop.refused(11, "column_missing")
    assert error["file"] == f"客户_{DELIVERED}.csv" and error["column"] == "customer_id"


def test_wrong_encoding_forced(shop: Shop) -> None:
    shop.map(MAPPING.replace("    mode: append", "    encoding: utf-8\n    mode: append"))
    shop.write(SALES, as_csv(SALES_HEADER, shop.sales).encode("gbk"))
    error = shop.refused(11, "wrong_encoding")
    assert error["file"] == SALES and error["row"] == 1
    assert "encoding" in error["hint"]
    shop.map(MAPPING)  # not forced, it is found
    assert shop.published(*NO_SCORES)["files"][0]["encoding"] == "gb18030"


def test_bytes_that_are_no_text(shop: Shop) -> None:
    text = as_csv(SALES_HEADER, shop.sales).encode("gbk")
    shop.write(SALES, text[:400] + b"\xff\xff\xff" + text[400:])
    error = shop.refused(11, "wrong_encoding")
    assert error["file"] == SALES and error["row"] > 1


def test_empty_file_poisons_no_later_night(shop: Shop) -> None:
    shop.write(SALES, "")
    error = shop.refused(11, "empty_file")
    assert error["file"] == SALES
    shop.export()
    assert shop.published(*NO_SCORES)["gate"] == "open"
    assert shop.accepted() == 82_000


def test_file_without_a_header(shop: Shop) -> None:
    shop.map(MAPPING.replace("    mode: append", "    header_row: 9\n    mode: append"))
    shop.write(SALES, as_csv(SALES_HEADER, shop.sales[:2]))
    error = shop.refused(11, "header_row_missing")
    assert error["file"] == SALES


def test_truncated_workbook(shop: Shop, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in [SALES_HEADER.split(","), *shop.sales]:
        sheet.append(line)
    whole = tmp_path / "whole.xlsx"
    book.save(whole)
    (shop.exports / SALES).unlink()
    name = f"销售_{DELIVERED}.xlsx"
    shop.write(name, whole.read_bytes()[:3000])
    error = shop.refused(11, "unreadable_workbook")
    assert error["file"] == name
    shop.write(name, whole.read_bytes())
    shop.published(*NO_SCORES)
    assert shop.accepted() == 82_000


def test_workbook_without_the_sheet(shop: Shop, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    name = f"销售_{DELIVERED}.xlsx"
    (shop.exports / SALES).unlink()
    book.save(shop.exports / name)
    shop.map(MAPPING.replace("    mode: append", "    sheet: 明细\n    mode: append"))
    error = shop.refused(11, "sheet_missing")
    assert error["file"] == name and "明细" in str(error)


def test_a_quote_that_never_ends(shop: Shop) -> None:
    shop.sales[3][6] = '"' + shop.sales[3][6]
    shop.export()
    error = shop.refused(11, "unclosed_quote")
    assert error["file"] == SALES


def test_no_file_is_mapped(shop: Shop) -> None:
    for path in shop.exports.iterdir():
        path.unlink()
    shop.write("通讯录.csv", "a,b\n1,2\n")
    error = shop.refused(11, "no_mapped_file")
    assert error["count"] == 1 and "通讯录.csv" in str(error["details"]) and "客户_*.csv" in str(error["details"])


def test_export_folder_missing(shop: Shop) -> None:
    error = shop.refused(11, "exports_not_found", "--exports", str(shop.folder / "nowhere"))
    assert error["file"].endswith("nowhere")


def test_a_name_without_a_date(shop: Shop) -> None:
    (shop.exports / SALES).rename(shop.exports / "销售_latest.csv")
    error = shop.refused(11, "no_date_in_name")
    assert error["file"] == "销售_latest.csv"


def test_zipped_export(shop: Shop) -> None:
    shop.map(MAPPING.replace("销售_*.xlsx", "销售_*.zip"))
    (shop.exports / SALES).unlink()
    name = f"销售_{DELIVERED}.zip"
    with zipfile.ZipFile(shop.exports / name, "w") as packed:
        packed.writestr("销售.csv", as_csv(SALES_HEADER, shop.sales))
    error = shop.refused(11, "zip_not_supported")
    assert error["file"] == name


def test_parquet_that_was_cut_off(shop: Shop) -> None:
    shop.write(SALES, b"PAR1" + b"\0" * 200)
    assert shop.refused(11, "unreadable_parquet")["file"] == SALES


# --- reported, and the night goes on ----------------------------------------------------------------------------------


def test_unmapped_file_is_reported(shop: Shop) -> None:
    shop.write("通讯录.csv", "a,b\n1,2\n")
    shown = shop.kehu(shop.night(*NO_SCORES))
    assert shown.exit_code == 0 and "not mapped, not read: 通讯录.csv" in shown.out


def test_missing_and_unmapped_files_are_in_the_summary(shop: Shop) -> None:
    (shop.exports / f"客户_{DELIVERED}.csv").rename(shop.exports / "通讯录.csv")
    summary = shop.published(*NO_SCORES)
    assert summary["unmapped_files"] == ["通讯录.csv"]
    assert any("customers" in warning for warning in summary["warnings"])


def test_header_only_file(shop: Shop) -> None:
    shop.write(SALES, SALES_HEADER + "\n")
    summary = shop.published()
    row = next(row for row in summary["files"] if row["entity"] == "sales_line")
    assert (row["rows_read"], row["rows_header"], row["rows_data"]) == (1, 1, 0)
    assert summary["skipped"]["mart_abc_customer"] == "no_sales_lines: invoice"


def test_unknown_header_is_listed(shop: Shop) -> None:
    shop.write(SALES, as_csv(f"{SALES_HEADER},备注二", [[*line, ""] for line in shop.sales]))
    row = next(row for row in shop.published(*NO_SCORES)["files"] if row["entity"] == "sales_line")
    assert row["unmapped_headers"] == "联系人 | 备注二"  # on the terminal: tests/flows/test_printed.py


def test_unfinished_downloads_are_left_alone(shop: Shop) -> None:
    for name in ("~$销售_20240331.csv", "销售_20240331.csv.tmp", ".销售_20240331.csv"):
        shop.write(name, b"\xff\xfe broken")
    summary = shop.published(*NO_SCORES)
    assert summary["unmapped_files"] == [] and shop.accepted() == 82_000

"""Workbooks, and what only calls itself one."""

# ruff: noqa: DTZ001 - cells of a workbook have no time zone

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kehu.config.errors import InputError
from kehu.tasks.read_workbook import cell_text, html_records

Read = Any
"""The fixture `read` of conftest.py."""


def workbook(fill: Callable[[openpyxl.Workbook], None]) -> bytes:
    book = openpyxl.Workbook()
    fill(book)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def sheet_of(rows: list[list[Any]]) -> bytes:
    def fill(book: openpyxl.Workbook) -> None:
        for row in rows:
            book.active.append(row)

    return workbook(fill)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("00123", "00123"),
        (12.0, "12"),
        (-0.0, "0"),
        (12, "12"),
        (0.1, "0.1"),
        (-60.70400000000001, "-60.70400000000001"),
        (13812345678.0, "13812345678"),
        (999_999_999_999_999.0, "999999999999999"),
        # Sixteen digits and more: Excel has rounded the last away, so no one may take this for a code.
        (1_234_567_890_123_450.0, "1.23456789012345E+15"),
        (9.13e17, "9.13E+17"),
        (1e-7, "1e-07"),
        (True, "TRUE"),
        (False, "FALSE"),
        (date(2024, 3, 5), "2024-03-05"),
        (datetime(2024, 3, 5), "2024-03-05"),
        (datetime(2024, 3, 5, 8, 30), "2024-03-05 08:30:00"),
        (datetime(2024, 3, 5, 8, 30, 1, 500_000), "2024-03-05 08:30:01.500000"),
        (time(8, 30), "08:30:00"),
        (timedelta(hours=26, minutes=3), "26:03:00"),
    ],
)
def test_cells_become_the_text_of_a_csv(value: Any, text: str) -> None:
    assert cell_text(value) == text


def test_a_report_in_a_workbook(read: Read) -> None:
    found = read(
        sheet_of(
            [
                ["应收账款明细"],
                ["单位:万元", None, "2024-03-05"],
                [],
                ["客户编码", "单据日期", "金额"],
                ["00123", datetime(2024, 3, 5), 1.5],
                [45, date(2024, 3, 6), 2],
                ["合计", None, 3.5],
            ]
        ),
        "应收.xlsx",
    )
    assert dict(found.table.leading) == {"title": 2, "blank": 1, "header": 1}
    assert found.rows() == [
        (5, "data", "00123", "2024-03-05", "1.5", None),
        (6, "data", "45", "2024-03-06", "2", None),
        (7, "total", "合计", None, "3.5", None),
    ]
    assert [str(unit) for unit in found.table.unit_factors] == ["10000"] * 3
    assert found.table.sheet == "Sheet"


def test_a_table_that_begins_away_from_the_corner(read: Read) -> None:
    def fill(book: openpyxl.Workbook) -> None:
        for row, cells in enumerate((("客户编码", "金额"), ("C1", 1)), start=3):
            for column, cell in enumerate(cells, start=2):
                book.active.cell(row, column, cell)

    found = read(workbook(fill), "x.xlsx")
    assert found.rows() == [(4, "data", "C1", "1", None)]
    assert dict(found.table.leading) == {"title": 0, "blank": 2, "header": 1}


def test_merged_headers_in_two_rows_and_merged_cells(read: Read) -> None:
    def fill(book: openpyxl.Workbook) -> None:
        sheet = book.active
        for row in (
            ["客户编码", "客户名称", "应收账款", None, None, "备注"],
            [None, None, "期初", "本期", "期末", None],
            ["C1", "甲", 1, 2, 3, None],
            [None, None, 4, 5, 9, None],
        ):
            sheet.append(row)
        for cells in ("A1:A2", "B1:B2", "C1:E1", "F1:F2", "A3:A4", "B3:B4"):
            sheet.merge_cells(cells)

    found = read(workbook(fill), "x.xlsx", header_rows=2, fill_down=("客户编码", "客户名称"))
    assert found.table.headers == ("客户编码", "客户名称", "应收账款/期初", "应收账款/本期", "应收账款/期末", "备注")
    assert found.table.header_record == 2
    assert found.data() == [("C1", "甲", "1", "2", "3", None), ("C1", "甲", "4", "5", "9", None)]


def several_sheets(book: openpyxl.Workbook) -> None:
    book.active.title = "旧数据"
    book.active.append(["客户编码", "金额"])
    book.active.append(["OLD", 0])
    for name in ("销售1月", "销售2月"):
        sheet = book.create_sheet(name)
        sheet.append(["客户编码", "金额"])
        sheet.append([name, 1])
    book["旧数据"].sheet_state = "hidden"
    book.active = 1


def test_the_first_visible_sheet_unless_one_is_named(read: Read) -> None:
    content = workbook(several_sheets)
    first = read(content, "x.xlsx")
    assert first.data() == [("销售1月", "1")]
    assert first.table.notes == ("sheets_left_out: 销售2月",)
    hidden = read(content, "x.xlsx", sheet="旧数据")
    assert hidden.data() == [("OLD", "0")]
    assert hidden.table.notes == ()
    both = read(content, "x.xlsx", sheet="销售*")
    assert [table.sheet for table in both.tables] == ["销售1月", "销售2月"]
    assert [both.rows(table)[0][2] for table in both.tables] == ["销售1月", "销售2月"]


def test_a_sheet_filled_to_the_last_row(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kehu.tasks.read_workbook.LAST_ROW", {".xlsx": 3})
    assert read(sheet_of([["客户编码", "金额"], ["C1", 1], ["C2", 2]]), "x.xlsx").table.notes == ("possibly_cut",)
    assert read(sheet_of([["客户编码", "金额"], ["C1", 1]]), "x.xlsx").table.notes == ()


def test_header_only(read: Read) -> None:
    assert read(sheet_of([["客户编码", "金额"]]), "x.xlsx").rows() == []


def test_more_records_than_one_batch(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kehu.tasks.raw_table.RECORDS_PER_BATCH", 3)
    found = read(sheet_of([["客户编码", "金额"], *([f"C{i}", i] for i in range(40))]), "x.xlsx")
    assert [row[0] for row in found.rows()] == list(range(2, 42))
    assert found.data()[39] == ("C39", "39")


PAGE = """<html><head><meta charset="utf-8"><style>td {mso-number-format:"@"}</style></head><body>
<table border=1><tr><td colspan="3"><b>销售明细表</b></td></tr></table>
<table><tr><th>客户编码<th>客户名称</th><th>金额(万元)</th></tr>
<tr><td rowspan=2>C1</td><td>甲&amp;乙&nbsp;</td><td> 1,5
 </td></tr>
<tr><td>丙<br>丁</td><td>2</td></tr>
<tr><td colspan="2">合计</td><td>3</td></tr></table></body></html>"""


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "utf-16"])
def test_a_web_page_called_xls(read: Read, encoding: str) -> None:
    found = read(PAGE.encode(encoding), "导出.xls")
    assert found.table.headers == ("客户编码", "客户名称", "金额(万元)")
    assert found.rows() == [
        (3, "data", "C1", "甲&乙", "1,5", None),
        (4, "data", None, "丙\n丁", "2", None),
        (5, "total", "合计", None, "3", None),
    ]
    assert dict(found.table.leading) == {"title": 1, "blank": 0, "header": 1}
    assert str(found.table.unit_factors[2]) == "10000"


def test_a_web_page_is_read_in_any_pieces() -> None:
    whole = list(html_records([PAGE]))
    assert list(html_records(PAGE)) == whole
    assert list(html_records(["<table><tr><td colspan='100%'>a<td>b<tr><td>c"])) == [["a", "b"], ["c"]]


def test_tab_text_called_xls(read: Read) -> None:
    found = read("客户编码\t客户名称\t金额\nC1\t甲\t1\n".encode("gbk"), "导出.xls")
    assert found.data() == [("C1", "甲", "1")]


def test_parquet(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    columns = {
        "客户编码": ["C1", "", None],
        "金额": pa.array([1.5, 2.0, None], pa.float64()),
        "单据日期": pa.array([date(2024, 3, 5), None, None]),
        "退货": [True, False, None],
    }
    pq.write_table(pa.table(columns), path)
    found = read.file(path, headers=("客户编码", "金额"))
    assert found.rows() == [
        (1, "data", "C1", "1.5", "2024-03-05", "TRUE", None),
        (2, "data", None, "2.0", None, "FALSE", None),
        (3, "blank", None, None, None, None, None),
    ]
    assert found.table.records == 3


# --- what cannot be read ----------------------------------------------------------------------------------------------


def _refused(read: Read, content: bytes, name: str, **stated: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        read(content, name, **stated)
    assert caught.value.hint
    return caught.value


def test_a_truncated_workbook(read: Read) -> None:
    whole = sheet_of([["客户编码", "金额"], *([f"C{i}", i] for i in range(500))])
    for length in (10, 100, len(whole) // 2, len(whole) - 10):
        error = _refused(read, whole[:length], "x.xlsx")
        assert error.code == "unreadable_workbook"
        assert error.file == "x.xlsx"


def test_other_things_called_xlsx(read: Read) -> None:
    assert _refused(read, bytes(range(256)), "x.xlsx").code == "unreadable_workbook"
    assert _refused(read, bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600), "x.xls").code == "unreadable_workbook"
    assert _refused(read, b"", "x.xlsx").code == "empty_file"
    assert _refused(read, b"<html><body>Please log in</body></html>", "x.xls").code == "unreadable_workbook"
    xml = b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>'
    assert _refused(read, xml, "x.xls").code == "unreadable_workbook"
    assert _refused(read, b"PK\x03\x04", "x.zip").code == "zip_not_supported"


def test_an_empty_workbook(read: Read) -> None:
    assert _refused(read, sheet_of([]), "x.xlsx").code == "empty_file"


def test_a_sheet_that_is_not_there(read: Read) -> None:
    error = _refused(read, workbook(several_sheets), "x.xlsx", sheet="三月")
    assert error.code == "sheet_missing"
    assert error.details == ("sheets: 旧数据, 销售1月, 销售2月",)


def test_a_column_that_is_not_there_names_the_sheet(read: Read) -> None:
    error = _refused(read, sheet_of([["客户编码", "金额"], ["C1", 1]]), "x.xlsx", headers=("客户编码", "税率"))
    assert error.code == "column_missing"
    assert error.file == "x.xlsx [Sheet]"


def test_truncated_parquet(read: Read) -> None:
    assert _refused(read, b"PAR1" + bytes(100), "x.parquet").code == "unreadable_parquet"

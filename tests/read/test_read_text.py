"""Text exports with every dirt of the field, each as a tiny file written here."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

import pytest

from kehu.config.errors import InputError

Read = Any
"""The fixture `read` of conftest.py."""

HEAD = "客户编码,客户名称,金额\n"


def test_a_clean_file_takes_the_fast_way(read: Read) -> None:
    found = read(HEAD + "C1,甲,1.00\nC2,,2.50\n")
    assert found.is_fast
    assert found.table.headers == ("客户编码", "客户名称", "金额")
    assert found.table.encoding == "utf-8"
    assert found.rows() == [(2, "data", "C1", "甲", "1.00", None), (3, "data", "C2", None, "2.50", None)]
    assert found.table.records_below == 2
    assert found.table.records == 3
    assert dict(found.table.leading) == {"title": 0, "blank": 0, "header": 1}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_are_found(read: Read, encoding: str) -> None:
    text = HEAD + "C1,上海贸易有限公司,1.00\nC2,广州,2.50\n"
    found = read(text.encode(encoding))
    assert found.is_fast
    assert found.data() == [("C1", "上海贸易有限公司", "1.00"), ("C2", "广州", "2.50")]


def test_rare_surnames_in_four_bytes(read: Read) -> None:
    content = (HEAD + "C1,䶮光,1\nC2,𠮷田,2\n").encode("gb18030")
    assert len("𠮷".encode("gb18030")) == 4
    found = read(content)
    assert found.table.encoding == "gb18030"
    assert found.data() == [("C1", "䶮光", "1"), ("C2", "𠮷田", "2")]


def test_unicode_text_of_excel(read: Read) -> None:
    content = codecs.BOM_UTF16_LE + '客户编码\t客户名称\t金额\r\nC1\t"甲\t乙"\t1\r\n'.encode("utf-16-le")
    found = read(content, "客户.txt")
    assert found.table.encoding == "utf-16-le"
    assert found.data() == [("C1", "甲\t乙", "1")]


def test_chinese_that_begins_far_down_is_still_found(read: Read) -> None:
    """The head of the file is ASCII: only the whole file tells that it is not UTF-8."""
    lines = "".join(f"C{i},name,1\n" for i in range(40_000))
    found = read(("customer_id,customer_name,amount\n" + lines + "C,客户,1\n").encode("gbk"))
    assert found.table.encoding == "gb18030"
    assert found.table.records_below == 40_001
    assert found.data()[-1] == ("C", "客户", "1")


@pytest.mark.parametrize("length", range(-3, 4))
def test_what_stands_across_the_border_of_two_pieces(read: Read, length: int) -> None:
    """The file is looked through in pieces: here one ends just before, within or after the cell with the blank."""
    from kehu.tasks.read_text import CHUNK_BYTES

    head = "customer_id,customer_name,amount\r\n"
    row = "C1,name,1\r\n"
    rows = (CHUNK_BYTES - len(head)) // len(row) - 1
    filler = "C2," + "x" * (CHUNK_BYTES - len(head) - rows * len(row) - 3 + length)
    found = read(head + row * rows + filler + ', "a,b"\r\n' + row)
    assert not found.is_fast
    assert found.table.records_below == rows + 2
    assert found.data()[rows][2] == "a,b"
    plain = read(head + row * rows + filler + ',"a ""b"""\r\n' + row)
    assert plain.is_fast
    assert plain.table.records_below == rows + 2
    assert plain.data()[rows][2] == 'a "b"'


def test_crlf_and_line_breaks_in_quoted_cells(read: Read) -> None:
    found = read(HEAD.replace("\n", "\r\n") + '"C1","甲\r\n乙",1\r\n"C2","说""好""",2\r\n')
    assert not found.is_fast
    assert found.rows() == [(2, "data", "C1", "甲\r\n乙", "1", None), (3, "data", "C2", '说"好"', "2", None)]


def test_a_line_break_in_a_header(read: Read) -> None:
    found = read('"客户\n编码",金额\nC1,1\nC2,2\n', headers=("客户编码",))
    assert found.table.headers == ("客户 编码", "金额")
    assert [row[:3] for row in found.rows()] == [(2, "data", "C1"), (3, "data", "C2")]


def test_ragged_records_lose_nothing(read: Read) -> None:
    found = read(HEAD + "C1,甲\nC2,乙,2,多,余\nC3,丙,3,,\n")
    assert not found.is_fast
    assert found.rows() == [
        (2, "data", "C1", "甲", None, None),
        (3, "data", "C2", "乙", "2", "多 | 余"),
        (4, "data", "C3", "丙", "3", None),
    ]


def test_quotation_marks_within_a_cell_are_text(read: Read) -> None:
    assert read(HEAD + 'C1,5" 管,1\nC2,5" x 3",2\n').data() == [("C1", '5" 管', "1"), ("C2", '5" x 3"', "2")]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimiters_are_found(read: Read, delimiter: str) -> None:
    lines = [["客户编码", "客户名称", "金额"], ["C1", "甲", "1"], ["C2", "乙", "2"]]
    found = read("\n".join(delimiter.join(line) for line in lines) + "\n", "导出.txt")
    assert found.data() == [("C1", "甲", "1"), ("C2", "乙", "2")]


def test_semicolons_with_decimal_commas(read: Read) -> None:
    assert read("客户编码;金额\nC1;1,50\nC2;2,75\n").data() == [("C1", "1,50"), ("C2", "2,75")]


def test_the_delimiter_excel_states_or_the_mapping_forces(read: Read) -> None:
    stated = read("sep=;\n客户编码;金额\nC1;1\n")
    assert stated.data() == [("C1", "1")]
    assert dict(stated.table.leading) == {"title": 1, "blank": 0, "header": 1}
    assert read("客户编码#金额\nC1#1\n", delimiter="#").data() == [("C1", "1")]


def test_a_whole_report(read: Read) -> None:
    """Titles with a unit, a blank line, page breaks with title and header again, subtotals, totals, footers."""
    found = read(
        "客户销售明细表\n单位：万元,,,导出时间：2024-03-05\n\n"
        "客户编码,客户名称,数量,金额\n"
        "C1,甲,1,10\nC1,小计,,10\n,,,\n"
        "客户销售明细表\n客户编码,客户名称,数量,金额\n"
        "C2,乙,2,20\nC2,（小计）,,20\n合 计：,,3,30\n"
        "制表：张三,,审核：李四,\n第 1 页 共 1 页\n以下空白\n"
    )
    assert dict(found.table.leading) == {"title": 2, "blank": 1, "header": 1}
    assert found.table.header_record == 4
    assert found.classes() == [
        "data", "total", "blank", "title", "header", "data", "total", "total", "title", "title", "title",
    ]  # fmt: skip
    assert found.table.records == 15
    assert [str(unit) for unit in found.table.unit_factors] == ["10000"] * 4
    # Totals keep their cells: conform holds them against the rows.
    assert (12, "total", "合 计：", None, "3", "30", None) in found.rows()


def test_blank_lines_at_the_end_are_counted(read: Read) -> None:
    found = read(HEAD + "C1,甲,1\n\n\n")
    assert found.classes() == ["data", "blank", "blank"]
    assert found.table.records_below == 3


def test_no_line_break_at_the_end(read: Read) -> None:
    found = read(HEAD + "C1,甲,1\nC2,乙,2")
    assert found.is_fast
    assert found.table.records_below == 2


def test_lines_that_end_in_carriage_returns_alone(read: Read) -> None:
    assert read((HEAD + "C1,甲,1\nC2,乙,2\n").replace("\n", "\r")).data() == [("C1", "甲", "1"), ("C2", "乙", "2")]


def test_header_only_is_a_table_without_records(read: Read) -> None:
    found = read(HEAD)
    assert found.rows() == []
    assert found.table.records == 1


def test_one_column(read: Read) -> None:
    assert read("客户编码\nC1\nC2\n", headers=("客户编码",)).data() == [("C1",), ("C2",)]


def test_repeated_and_empty_headers(read: Read) -> None:
    found = read("客户编码,金额,金额,,金额\nC1,1,2,3,4\n")
    assert found.table.headers == ("客户编码", "金额", "金额.1", "column 4", "金额.2")


def test_a_name_that_looks_like_a_pattern(read: Read) -> None:
    """DuckDB would take the brackets for a pattern and not find the file, or find another."""
    found = read(HEAD + "C1,甲,1\n", "客户[1].csv")
    assert found.is_fast
    assert found.data() == [("C1", "甲", "1")]


def test_cells_of_blanks_count_as_empty_for_the_class(read: Read) -> None:
    found = read("客户编码,客户名称,金额\nC1, ,1\n合计, ,1\n , , \n　,　,\n")
    assert found.classes() == ["data", "total", "blank", "blank"]


def test_grouped_reports_are_filled_down(read: Read) -> None:
    found = read(
        "业务员,客户编码,金额\n张三,C1,1\n,,2\n,小计,3\n,C2,4\n李四,,5\n,C3,6\n合计,,18\n",
        fill_down=("业务员", "客户编码"),
    )
    assert [row[1:5] for row in found.rows()] == [
        ("data", "张三", "C1", "1"),
        ("data", "张三", "C1", "2"),
        ("total", None, "小计", "3"),
        ("data", "张三", "C2", "4"),
        # A new salesperson: the last customer of the other one is not his.
        ("data", "李四", None, "5"),
        ("data", "李四", "C3", "6"),
        ("total", "合计", None, "18"),
    ]


def test_rows_without_numbers_come_in_file_order(read: Read) -> None:
    """What conform writes in order it may number itself, and so read with all threads."""
    lines = [f"C{i},甲,{i}" for i in range(20_000)]
    table = (found := read(HEAD + "\n".join(lines) + "\n")).table
    amounts = found.con.execute(f"SELECT c2 FROM {table.unnumbered_relation}").fetchall()
    assert [int(row[0]) for row in amounts] == list(range(20_000))
    numbered = found.con.execute(f"SELECT min(record - c2::BIGINT), max(record - c2::BIGINT) FROM {table.relation}")
    assert numbered.fetchone() == (2, 2)


# --- what cannot be read ----------------------------------------------------------------------------------------------


def _refused(read: Read, content: bytes | str, name: str = "销售.csv", **stated: object) -> InputError:
    with pytest.raises(InputError) as caught:
        read(content, name, **stated)
    error = caught.value
    assert error.exit_code == 11
    assert error.file is not None and error.file.startswith(name)
    assert error.hint
    return error


def test_an_empty_file(read: Read) -> None:
    assert _refused(read, b"").code == "empty_file"
    assert _refused(read, "\n\n").code == "empty_file"
    assert _refused(read, codecs.BOM_UTF8).code == "empty_file"


@pytest.mark.parametrize(
    ("written", "forced"),
    [
        ("gbk", "utf-8"),
        ("utf-8", "gbk"),
        ("utf-8-sig", "gb18030"),
        ("utf-16", "gbk"),
        ("gbk", "utf-16"),
        ("gbk", "ascii"),
    ],
)
def test_a_wrong_encoding_forced(read: Read, written: str, forced: str) -> None:
    content = (HEAD + "C1,上海贸易有限公司,1.00\nC2,广州进出口公司,2.50\n").encode(written)
    assert _refused(read, content, encoding=forced).code == "wrong_encoding"


def test_a_right_encoding_forced(read: Read) -> None:
    text = HEAD + "C1,上海,1\n"
    for written, forced in (
        ("gbk", "gbk"),
        ("gbk", "gb2312"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("big5", "big5"),
    ):
        assert read(text.replace("编码", "編碼").replace("户", "戶").encode(written, "replace"), encoding=forced).data()


def test_utf8_with_one_bad_byte_is_not_read_as_gb(read: Read) -> None:
    """Most damaged UTF-8 decodes as GB18030 without complaint, to nonsense."""
    good = (HEAD + "C1,上海贸易有限公司,1\n").encode()
    error = _refused(read, good + b"C2,\xe4\xb8,2\n")
    assert error.code == "wrong_encoding"
    assert error.row == 3
    late = good + b"C,x,1\n" * 60_000 + b"C2,\xe4\xb8,2\n"
    error = _refused(read, late)
    assert error.code == "wrong_encoding"
    assert error.row == 60_003
    assert error.details == (f"first byte that does not fit: number {len(good) + 6 * 60_000 + 4}, in line 60003",)


def test_neither_utf8_nor_gb(read: Read) -> None:
    assert _refused(read, b"customer_id,amount\nM\xfcller,1\n\xff\xff,2\n").code == "wrong_encoding"


def test_a_quotation_mark_never_closed(read: Read) -> None:
    error = _refused(read, HEAD + 'C1,甲,1\nC2,"乙,2\nC3,丙,3\n')
    assert error.code == "unclosed_quote"
    assert error.row == 3


def test_all_missing_columns_at_once(read: Read) -> None:
    error = _refused(read, HEAD + "C1,甲,1\n", headers=("客户编码", "客户名", "销售金额", "税率"))
    assert error.code == "column_missing"
    assert error.column == "客户名, 销售金额, 税率"
    assert error.count == 3
    assert "客户名称" in error.details[0]
    assert "金额" in error.details[1]


def test_a_header_row_beyond_the_file(read: Read) -> None:
    assert _refused(read, HEAD, header_row=5).code == "header_row_missing"


def test_errors_show_no_row_values(read: Read) -> None:
    error = _refused(read, HEAD + "C1,王小明,1\n", headers=("电话",))
    assert "王小明" not in "\n".join(error.lines())


# --- the real thing ---------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_superstore_in_three_formats(real_data: Path, read: Read) -> None:
    rows = {}
    for name in ("订单.csv", "订单_GBK.csv", "示例 - 超市.xls"):
        headers = ("行 ID", "订单 ID", "客户 ID", "省/自治区", "销售额")
        found = read.file(real_data / "superstore_zh" / name, headers=headers, sheet="订单")
        assert found.table.records_below == 10_000
        assert len(found.data()) == 10_000
        rows[name] = found.data()
    # Cell by cell, the two text files are the same; the workbook has whole numbers where they have `0.0`.
    assert rows["订单.csv"] == rows["订单_GBK.csv"]
    for text, workbook in zip(rows["订单.csv"], rows["示例 - 超市.xls"], strict=True):
        assert [_plain(cell) for cell in text] == [_plain(cell) for cell in workbook]


def _plain(cell: str | None) -> str | None:
    return cell.removesuffix(".0") if cell else cell


@pytest.mark.real
def test_uci_on_the_fast_way(real_data: Path, read: Read) -> None:
    path = real_data / "uci_online_retail" / "online_retail.csv"
    found = read.file(path, headers=("InvoiceNo", "StockCode", "Quantity", "UnitPrice", "CustomerID"))
    assert found.is_fast
    counts = found.con.execute(
        f"""SELECT count(*), count(*) FILTER (record_class = 'data'), count(*) FILTER (c6 IS NULL), max(record),
                   sum(c3::DECIMAL(18, 6) * c5::DECIMAL(18, 3))
            FROM {found.table.relation}"""
    ).fetchone()
    assert counts is not None
    assert counts[:4] == (541_909, 541_909, 135_080, 541_910)
    assert str(counts[4]).rstrip("0") == "9747747.934"

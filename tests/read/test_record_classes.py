"""Which records below the header are no data. Each row is one record of four cells, and what it is."""

from __future__ import annotations

import duckdb
import pytest

from kehu.tasks.record_classes import RECORD_CLASSES, record_class_sql

HEADER = ("客户编码", "客户名称", "数量", "金额")

CASES: list[tuple[str, tuple[str | None, ...]]] = [
    ("data", ("C1", "甲", "1", "10")),
    ("data", ("C1", None, None, "10")),
    ("data", (None, None, None, "10")),
    ("blank", (None, None, None, None)),
    ("blank", (" ", "\u3000", None, "\t")),
    ("header", HEADER),
    # --- totals
    ("total", ("合计", None, "1", "10")),
    ("total", ("小计", None, None, None)),
    ("total", (None, "总计", "1", "10")),
    ("total", (None, None, "合计", "10")),
    ("total", ("合  计：", None, "1", "10")),
    ("total", ("（小计）", None, "1", "10")),
    ("total", ("【本页合计】", None, "1", "10")),
    ("total", ("本月累计", None, "1", "10")),
    ("total", ("C1", "小计", None, "10")),
    ("total", ("华东区 小计", None, "1", "10")),
    ("total", ("甲公司合计:", None, "1", "10")),
    ("total", ("Total", None, "1", "10")),
    ("total", ("GRAND TOTAL:", None, "1", "10")),
    ("total", ("Sub-total", None, "1", "10")),
    # A full record is data, whatever it says; so is a customer of that name, after the code.
    ("data", ("合计", "甲", "1", "10")),
    ("data", ("C1", "Total", None, "10")),
    ("data", ("C1", "设计院", None, "10")),
    ("data", ("C1", "统计局", None, "10")),
    ("data", ("合计划公司", None, "1", "10")),
    ("data", ("C1", "共计算机", None, "10")),
    # --- titles and footers
    ("title", ("以下空白", None, None, None)),
    ("title", ("——以下空白——", None, None, None)),
    ("title", ("制表：张三", None, "审核：", None)),
    ("title", ("制 表 人:", "张三", None, None)),
    ("title", ("打印时间：2024-03-05 10:00", None, None, None)),
    ("title", (None, None, "第 1 页 共 3 页", None)),
    ("title", ("第1页", None, None, None)),
    ("title", ("共 120 条记录", None, None, None)),
    ("title", ("Page 1 of 3", None, None, None)),
    ("title", ("注：本表不含税", None, None, None)),
    ("title", ("客户销售明细表", None, None, None)),
    ("title", ("单位:万元", None, None, None)),
    ("data", ("注：本表不含税", None, "1", None)),
    ("data", ("共同条件公司", None, None, "1")),
    ("data", ("单位甲", None, None, "1")),
    ("data", ("审核员", None, None, "1")),
]


@pytest.mark.parametrize(("expected", "cells"), CASES)
def test_classes(con: duckdb.DuckDBPyConnection, expected: str, cells: tuple[str | None, ...]) -> None:
    columns = ("c0", "c1", "c2", "c3")
    sql = record_class_sql(columns, [HEADER], ["客户销售明细表"])
    found = con.execute(f"SELECT {sql} FROM (SELECT ? AS c0, ? AS c1, ? AS c2, ? AS c3)", list(cells)).fetchone()
    assert found == (expected,)


def test_one_column(con: duckdb.DuckDBPyConnection) -> None:
    sql = record_class_sql(("c0",), [("客户编码",)], [])
    cells = "(VALUES ('C1'), ('合计'), ('客户编码'), (NULL)) AS records (c0)"
    found = con.execute(f"SELECT list({sql}) FROM {cells}").fetchone()
    # A total needs another, empty cell beside it: without one it cannot be told from a customer of that name.
    assert found == (["data", "data", "header", "blank"],)


def test_two_header_records_are_known_again(con: duckdb.DuckDBPyConnection) -> None:
    header = [("客户", "应收账款", ""), ("", "期初", "期末")]
    sql = record_class_sql(("c0", "c1", "c2"), header, [])
    cells = "(VALUES ('客户', '应收账款', NULL), (NULL, '期初', '期末'), ('客户', '期初', '1')) AS records (c0, c1, c2)"
    found = con.execute(f"SELECT list({sql}) FROM {cells}").fetchone()
    assert found == (["header", "header", "data"],)


def test_every_entry_explains_itself() -> None:
    names = [entry.name for entry in RECORD_CLASSES]
    assert len(set(names)) == len(names)
    for entry in RECORD_CLASSES:
        assert entry.sentence
        assert entry.hints

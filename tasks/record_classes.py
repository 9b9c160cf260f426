"""What kind of record each record below the header is: data, blank, a header again, a total, or a title or footer.

May import: `config`. Each kind of record that is no data is one entry in `RECORD_CLASSES`, so that a new habit of some
report generator is one more line. The rules become one SQL expression, evaluated where the file is read.

Full records cost nothing: apart from a repeated header, only a record with at least one empty cell is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

DATA, BLANK, HEADER, TOTAL, TITLE = "data", "blank", "header", "total", "title"
"""The classes a record can have. A file's records are the sum of the five, title and header above the data included."""

BLANKS = " \t\r\n\v\f\x1a\u00a0\u3000\u200b\ufeff"
"""Characters that make no cell: a cell of nothing else is empty."""

_AROUND = r"[\s\x{00a0}\x{3000}:：()（）\[\]【】<>《》*=—_-]*"
_NAME = r"[^:：]{1,40}?"


@dataclass(frozen=True)
class RecordClass:
    """One kind of record that is no data.

    Attributes:
        name: stable name.
        record_class: `total` or `title`.
        sentence: the rule in words.
        cells: which cells are looked at: any, the first that is not empty, or the only one that is not empty.
        hints: texts of which the cell must contain one; they spare the pattern most cells.
        pattern: what the whole cell must match (RE2, case ignored), brackets, colons and blanks around it left out.
    """

    name: str
    record_class: Literal["total", "title"]
    sentence: str
    cells: Literal["any", "first", "only"]
    hints: tuple[str, ...]
    pattern: str


def _spaced(labels: str) -> str:
    # Reports like to stretch two characters over the width of a column: `合   计`.
    return "|".join(r"\s*".join(label) for label in labels.split())


RECORD_CLASSES: tuple[RecordClass, ...] = (
    RecordClass(
        "total",
        "total",
        "a cell says 合计, 小计, 总计 or the like, and another cell is empty",
        "any",
        ("计",),
        _spaced(
            "小计 合计 总计 共计 累计 总合计 本页合计 本页小计 本页累计 本日合计 "
            "本月合计 本月累计 本期合计 本年合计 本年累计 全部合计 合计金额 合计数 "
            "金额合计 汇总合计"
        ),
    ),
    RecordClass(
        "group_total",
        "total",
        "the first cell ends in 小计, 合计 or 总计 (`华东小计`), and another cell is empty",
        "first",
        ("计",),
        rf"{_NAME}(?:{_spaced('小计 合计 总计')})",
    ),
    RecordClass(
        "total_in_english",
        "total",
        "the first cell says Total, Subtotal or Grand total, and another cell is empty",
        "first",
        ("otal", "OTAL"),
        r"(?:grand|sub|page|report)?[\s-]*totals?",
    ),
    RecordClass(
        "end_of_data",
        "title",
        "the first cell says that nothing follows: 以下空白, 以下无正文",
        "first",
        ("以下", "完", "END", "End"),
        r"以下(?:空白|无正文|无数据|无内容)|完|打印完毕|end(?: of report)?",
    ),
    RecordClass(
        "signature",
        "title",
        "the first cell names who made or checked the report: 制表: 审核: 打印时间:",
        "first",
        (":", "："),
        r"(?:"
        + _spaced(
            "制表 制表人 制表日期 制表时间 制单 制单人 审核 审核人 复核 复核人 审批 "
            "审批人 编制 编制人 编制单位 填表 填表人 填报人 经办 经办人 主管 会计主管 "
            "财务主管 单位负责人 打印 打印人 打印时间 打印日期 导出人 导出时间 导出日期 "
            "生成时间 查询时间 查询条件 报表日期 统计期间 期间 单位 金额单位 签字 盖章 "
            "记账 出纳"
        )
        + r")\s*[:：].*",
    ),
    RecordClass(
        "page",
        "title",
        "the first cell is a page number or a record count: 第 1 页 共 3 页, 共 120 条",
        "first",
        ("页", "条", "行", "age ", "AGE "),
        r"第\s*\d+\s*页.*|共\s*\d+\s*(?:页|条|条记录|行|行记录).*|page\s+\d+.*|(?:页码|总行数|总条数)\s*[:：].*",
    ),
    RecordClass(
        "remark",
        "title",
        "the only cell is a remark on the report: 注: 说明: 备注:",
        "only",
        (":", "："),
        r"(?:注|备注|说明|附注|提示|note|notes|remark|remarks)\s*\d*\s*[:：].*",
    ),
)


def record_class_sql(
    columns: Sequence[str],
    header_cells: Sequence[Sequence[str]],
    titles: Sequence[str],
) -> str:
    """The SQL expression that gives a record its class.

    Args:
        columns: names of the text columns, NULL where empty.
        header_cells: the cells of the header records as they stand in the file, to know them again at a page break.
        titles: texts of the title records above the header, to know them again likewise.
    """
    first = f"coalesce({', '.join(columns)})" if len(columns) > 1 else columns[0]
    count = " + ".join(f"({column} IS NOT NULL)::INT" for column in columns)
    has_empty_cell = " OR ".join(f"{column} IS NULL" for column in columns)
    starts_blank = blank_sql(columns[0])
    repeats = [f"WHEN {_repeats(columns, cells)} THEN '{HEADER}'" for cells in header_cells if "".join(cells).strip()]
    looked_into = [
        f"WHEN {_all_blank(columns, first)} THEN '{BLANK}'",
        *_whens_of_any_cell(columns),
        *([f"WHEN {first} IN ({', '.join(map(sql_text, titles))}) AND {count} = 1 THEN '{TITLE}'"] if titles else []),
        *_whens_of_first_cell(first, count),
    ]
    return (
        f"CASE {' '.join(repeats)} WHEN {has_empty_cell} OR {starts_blank} "
        f"THEN CASE {' '.join(looked_into)} ELSE '{DATA}' END ELSE '{DATA}' END"
    )


def blank_sql(text: str) -> str:
    """The SQL condition that a text is nothing but blanks.

    Trimming costs as much as reading the cell, so only a text that begins with a blank is trimmed; CASE, because DuckDB
    may evaluate the parts of AND in any order.
    """
    return f"CASE WHEN {_begins_blank(text)} THEN trim({text}, {sql_text(BLANKS)}) = '' ELSE false END"


def sql_text(text: str) -> str:
    """The text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _begins_blank(text: str) -> str:
    wide = " OR ".join(f"starts_with({text}, {sql_text(blank)})" for blank in BLANKS if blank > " ")
    return f"({text} < '!' OR {wide})"


def _all_blank(columns: Sequence[str], first: str) -> str:
    whole = f"trim({_joined(columns)}, {sql_text(BLANKS)}) = ''"
    return f"{first} IS NULL OR CASE WHEN {_begins_blank(first)} THEN {whole} ELSE false END"


def _joined(columns: Sequence[str]) -> str:
    return f"concat({', '.join(columns)})"


def _whens_of_any_cell(columns: Sequence[str]) -> list[str]:
    whens = []
    for entry in (entry for entry in RECORD_CLASSES if entry.cells == "any"):
        hinted = " OR ".join(f"contains({_joined(columns)}, {sql_text(hint)})" for hint in entry.hints)
        matched = " OR ".join(f"regexp_full_match({column}, {_pattern(entry)})" for column in columns)
        whens.append(f"WHEN CASE WHEN {hinted} THEN {matched} ELSE false END THEN '{entry.record_class}'")
    return whens


def _whens_of_first_cell(first: str, count: str) -> list[str]:
    """One look for all hints together, so that a cell without any is done with."""
    entries = [entry for entry in RECORD_CLASSES if entry.cells != "any"]
    hints = sql_text("|".join(re.escape(hint) for entry in entries for hint in entry.hints))
    whens = []
    for entry in entries:
        alone = f" AND {count} = 1" if entry.cells == "only" else ""
        whens.append(f"WHEN regexp_full_match({first}, {_pattern(entry)}){alone} THEN '{entry.record_class}'")
    return [f"WHEN regexp_matches({first}, {hints}) THEN CASE {' '.join(whens)} ELSE '{DATA}' END"]


def _pattern(entry: RecordClass) -> str:
    return sql_text(f"(?is){_AROUND}(?:{entry.pattern}){_AROUND}")


def _repeats(columns: Sequence[str], cells: Sequence[str]) -> str:
    # Cells without a header are not compared: a page number may stand there.
    pairs = [(column, cell) for column, cell in zip(columns, cells, strict=False) if cell.strip()]
    return " AND ".join(f"{column} = {sql_text(cell)}" for column, cell in pairs)

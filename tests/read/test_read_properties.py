"""Whatever a table holds and however it was written, reading gives it back."""

from __future__ import annotations

import csv
import io
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kehu.config.errors import InputError

HEADERS = ("客户编码", "客户名称", "产品名称", "金额")
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16")

# Every character GB18030 and the csv format have trouble with, beside ordinary ones.
CELLS = st.lists(st.sampled_from([*"甲乙客户䶮𠮷é€ ab01.-,;|\t\"'\n（）　", "\r\n"]), max_size=8).map("".join)
TABLES = st.lists(st.lists(CELLS, min_size=4, max_size=4), max_size=12)


def written(rows: list[list[str]], **dialect: Any) -> str:
    text = io.StringIO()
    csv.writer(text, **dialect).writerows([list(HEADERS), *rows])
    return text.getvalue()


def without_outer_blanks(cell: str | None) -> str | None:
    # Blanks around a cell and cells of blanks mean nothing, and the two ways of reading need not agree on them.
    return (cell or "").strip(" ") if cell and not cell.isspace() else None


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=TABLES,
    encoding=st.sampled_from(ENCODINGS),
    delimiter=st.sampled_from([",", "\t", ";", "|"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@example([["C1", "甲", "", "1"]], "gb18030", ",", "\n", csv.QUOTE_MINIMAL)
@example([["C1", "a\nb", '"', "1"], ["", "", "", ""]], "utf-8", ",", "\r\n", csv.QUOTE_MINIMAL)
def test_what_was_written_is_read(
    session_reader: Any, rows: list[list[str]], encoding: str, delimiter: str, line_end: str, quoting: int
) -> None:
    content = written(rows, delimiter=delimiter, lineterminator=line_end, quoting=quoting).encode(encoding)
    found = session_reader(content, "property.csv", headers=HEADERS)
    assert found.table.records == 1 + len(rows)
    counts = dict.fromkeys(("data", "blank", "header", "total", "title"), 0)
    for row in found.rows():
        counts[row[1]] += 1
    assert sum(counts.values()) == found.table.records_below == len(rows)
    assert [row[0] for row in found.rows()] == list(range(2, 2 + len(rows)))
    read = [tuple(without_outer_blanks(cell) for cell in row[2:]) for row in found.rows()]
    assert read == [(*(without_outer_blanks(cell) for cell in row), None) for row in rows]


LINES = st.lists(st.text(st.sampled_from(list("ab甲, \"'\t;")), max_size=10), max_size=8)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=LINES, line_end=st.sampled_from(["\n", "\r\n", "\r"]), ends=st.booleans())
@example([' "a,b",c', 'a, "b"'], "\n", True)
@example(['"a"b,c'], "\n", True)
@example(["", "a,b", ""], "\n", False)
@example(["\ta,b"], "\n", True)
@example(['"'], "\n", False)
@example(['  ",', ","], "\n", False)
@example(['a,  "b"'], "\n", False)
@example(["", ""], "\r", False)
def test_both_ways_give_the_same_cells(session_reader: Any, lines: list[str], line_end: str, ends: bool) -> None:
    """Any lines at all: where the fast way is taken, the careful one would have given the same."""
    text = line_end.join(["客户编码,金额", *lines]) + (line_end if ends else "")
    try:
        found = session_reader(text, "lines.csv", headers=("客户编码", "金额"), delimiter=",")
    except InputError as error:
        assert error.code == "unclosed_quote"
        return
    expected = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True))[1:]
    assert found.table.records_below == len(found.rows()) == len(expected)
    if found.is_fast:
        read = [[without_outer_blanks(cell) for cell in row[2:4]] for row in found.rows()]
        assert read == [[without_outer_blanks(cell) for cell in row[:2]] for row in expected]
        assert not any(cell.strip() for row in expected for cell in row[2:])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.binary(max_size=60))
@example(b"\xe4\xb8,\n")
@example(b"a,b\x00\n")
@example(b"\xed\xa0\x80,b\n")
def test_any_bytes_are_read_or_refused(session_reader: Any, body: bytes) -> None:
    """No bytes lead to anything but a table in which every record is counted, or an error of ours."""
    try:
        found = session_reader("客户编码,金额\n".encode() + body, "bytes.csv", headers=("客户编码", "金额"))
    except InputError as error:
        assert error.code in ("wrong_encoding", "unclosed_quote", "column_missing")
        return
    assert len(found.rows()) == found.table.records_below

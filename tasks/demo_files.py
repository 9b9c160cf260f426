"""Writing the demo's files: text files through DuckDB and a code page, workbooks with fixed time stamps.

May import: `config`, duckdb, openpyxl (inside functions), pyarrow. Equal content gives equal bytes.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_CHUNK_CHARACTERS = 4 << 20
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class TextStyle:
    """How a text file is encoded and ends its lines."""

    encoding: str
    newline: str


EXCEL_GBK = TextStyle("gb18030", "\r\n")
EXCEL_UTF8 = TextStyle("utf-8-sig", "\r\n")
PLAIN_UTF8 = TextStyle("utf-8", "\n")


def decimals(units: NDArray[np.int64], places: int) -> pa.Array:
    """Whole numbers of the smallest unit as exact decimals: 123 with 2 places is 1.23, printed with all places."""
    both_halves = np.empty((len(units), 2), dtype=np.int64)
    both_halves[:, 0] = units
    both_halves[:, 1] = units >> 63
    return pa.Array.from_buffers(pa.decimal128(18, places), len(units), [None, pa.py_buffer(both_halves)])


def write_text(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    path: Path,
    style: TextStyle,
    *,
    scratch: Path,
    before: Sequence[Sequence[str]] = (),
    after: Sequence[Sequence[str]] = (),
    header: bool = True,
) -> None:
    """Write the rows of a query as comma-separated text, in the query's order.

    DuckDB writes UTF-8 at full speed; the code page and the line ends are put on in one streaming pass. No value may
    hold a line break.

    Args:
        connection: what the query runs on.
        query: SELECT of text columns named as their headers; null is an empty cell.
        path: the file to write.
        style: encoding and line ends.
        scratch: folder for the intermediate file.
        before: records above the header, such as title rows.
        after: records below the last row, such as the total.
        header: whether to write the header.
    """
    plain = scratch / "text.csv"
    option = "true" if header else "false"
    connection.execute(
        f"COPY ({query}) TO '{str(plain).replace(chr(39), chr(39) * 2)}' (FORMAT csv, HEADER {option}, NULLSTR '')"
    )
    with (
        plain.open(encoding="utf-8", newline="") as source,
        path.open("w", encoding=style.encoding, newline="") as target,
    ):
        target.write(_as_csv(before, style.newline))
        while chunk := source.read(_CHUNK_CHARACTERS):
            target.write(chunk if style.newline == "\n" else chunk.replace("\n", style.newline))
        target.write(_as_csv(after, style.newline))
    plain.unlink()


def _as_csv(records: Sequence[Sequence[str]], newline: str) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator=newline).writerows(records)
    return text.getvalue()


def write_workbook(
    path: Path,
    sheet: str,
    records: Iterable[Sequence[object]],
    *,
    author: str,
    saved_at: datetime,
    widths: Sequence[int] = (),
    hidden: tuple[str, Iterable[Sequence[object]]] | None = None,
    merged: Sequence[tuple[int, int, int, int]] = (),
) -> None:
    """Write a sheet of records as `.xlsx`; time stamps inside are `saved_at` or fixed: equal records, equal bytes.

    Args:
        path: the file to write.
        sheet: name of the sheet.
        records: rows of texts, numbers, dates or None, title rows and header included.
        author: who the workbook says made it.
        saved_at: when it says it was saved.
        widths: column widths in characters.
        hidden: name and records of a hidden sheet that stands before the other.
        merged: areas of cells to merge: first row and column, last row and column, from 1.
    """
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.cell_range import CellRange

    book = Workbook(write_only=True)
    if hidden is not None:
        aside = book.create_sheet(hidden[0])
        aside.sheet_state = "hidden"
        for record in hidden[1]:
            aside.append(record)
    page = book.create_sheet(sheet)
    book.active = page
    for top, left, bottom, right in merged:
        page.merged_cells.add(CellRange(min_row=top, min_col=left, max_row=bottom, max_col=right))
    for number, width in enumerate(widths, start=1):
        page.column_dimensions[get_column_letter(number)].width = width
    for record in records:
        page.append(record)
    book.properties.creator = author
    book.properties.created = saved_at
    written = io.BytesIO()
    book.save(written)
    _with_fixed_stamps(written, path, saved_at)


def _with_fixed_stamps(written: io.BytesIO, path: Path, saved_at: datetime) -> None:
    """Copy the archive entry by entry without the clock: openpyxl stamps the entries and the `modified` property."""
    stamp = f"{saved_at:%Y-%m-%dT%H:%M:%SZ}".encode()
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*(<)", rb"\g<1>" + stamp + rb"\g<2>", content)
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)

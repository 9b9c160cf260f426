"""A file as a table of texts: what every reader returns and conform goes on from.

May import: `config`, `schemas`, other pure modules of `tasks`. Nothing is interpreted here: cells are the characters of
the file, an empty cell is NULL, and every record keeps its number in the file.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from kehu.tasks.headers import Layout
from kehu.tasks.record_classes import DATA, record_class_sql, sql_text

if TYPE_CHECKING:
    import pyarrow as pa

RECORDS_PER_BATCH = 65_536
"""Records held in memory while a file is turned into Parquet: about 60 MB of a wide export, however long it is."""

EXTRA_SEPARATOR = " | "
"""Stands between the surplus fields of a record that has more fields than the header."""


@dataclass(frozen=True)
class RawTable:
    """One text file or one sheet of a workbook, readable by DuckDB.

    Attributes:
        relation: what follows FROM in DuckDB SQL: the records below the header with `record` (BIGINT, number in the
            file, its first record being 1), `record_class` (`data`, `blank`, `header`, `total`, `title`), `c0` … `cN-1`
            (VARCHAR, NULL where empty) and `extra` (VARCHAR, the surplus fields of a record longer than the header).
        unnumbered_relation: the same rows in the same order without `record`. Numbering keeps DuckDB to one thread
            while it reads a text file; a result written in order can be numbered afterwards: `record` of its n-th row,
            n from 1, is `header_record + n`.
        headers: the printed headers, made unique with `.1`, `.2`.
        encoding: the character encoding of the file, empty for workbooks and Parquet.
        sheet: the sheet's name, empty for other files.
        header_record: number of the last header record; 0 for Parquet.
        leading: counts of the `title`, `blank` and `header` records up to and including the header.
        unit_factors: for each column what money in it is multiplied by; None where nothing is stated.
        records_below: how many records the relation has, counted by the reader, not by DuckDB's reading of the
            relation.
        notes: remarks for the receipt: `possibly_cut` (a sheet filled to the last row its format allows).
    """

    relation: str
    unnumbered_relation: str
    headers: tuple[str, ...]
    encoding: str
    sheet: str
    header_record: int
    leading: Mapping[str, int]
    unit_factors: tuple[Decimal | None, ...]
    records_below: int
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the text columns in the relation, in the order of `headers`."""
        return column_names(len(self.headers))

    @property
    def records(self) -> int:
        """How many records the file has: those of the relation and those up to and including the header."""
        return self.records_below + sum(self.leading.values())


def column_names(width: int) -> tuple[str, ...]:
    """`c0`, `c1`, … for a table of that many columns."""
    return tuple(f"c{position}" for position in range(width))


def raw_table(
    source: str,
    layout: Layout,
    *,
    is_numbered: bool,
    fill_down: Sequence[int],
    records_below: int,
    encoding: str = "",
    sheet: str = "",
    notes: Sequence[str] = (),
) -> RawTable:
    """Give the records of a source their numbers and classes.

    Args:
        source: what follows FROM: the columns `c0` …, `extra`, and `record` where `is_numbered`.
        layout: the header found in the file.
        is_numbered: whether the source has its own `record`; if not, rows are counted in their order.
        fill_down: positions of the columns that are printed on the first row of a group only.
        records_below: how many records the source has.
        encoding: the file's character encoding.
        sheet: the sheet's name.
        notes: remarks for the receipt.
    """
    columns = column_names(len(layout.headers))
    record_class = record_class_sql(columns, layout.header_cells, layout.titles)
    cells = ", ".join((*columns, "extra"))
    number = "record" if is_numbered else f"row_number() OVER () + {layout.header_record} AS record"
    relation = f"(SELECT {number}, {record_class} AS record_class, {cells} FROM {source})"
    unnumbered = f"(SELECT {record_class} AS record_class, {cells} FROM {source})"
    if fill_down:
        relation = _filled_down(relation, columns, fill_down)
        unnumbered = f"(SELECT * EXCLUDE (record) FROM {relation} ORDER BY record)"
    return RawTable(
        relation=relation,
        unnumbered_relation=unnumbered,
        headers=layout.headers,
        encoding=encoding,
        sheet=sheet,
        header_record=layout.header_record,
        leading=layout.leading,
        unit_factors=layout.unit_factors,
        records_below=records_below,
        notes=tuple(notes),
    )


def write_records(records: Iterable[Sequence[str]], width: int, first_record: int, path: Path) -> int:
    """Write records of texts to Parquet, some ten thousand at a time, so that memory stays bounded.

    A record shorter than `width` is filled up with NULL; what a longer one has beyond it goes to `extra`, unless all of
    that is blank (a trailing delimiter is no field). A cell of nothing but blanks is empty.

    Returns:
        How many records were written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = (*column_names(width), "extra")
    schema = pa.schema([pa.field("record", pa.int64()), *(pa.field(name, pa.string()) for name in names)])
    written = 0
    with pq.ParquetWriter(path, schema, use_dictionary=False, write_statistics=False) as writer:
        for batch in _batches(records):
            first = first_record + written
            numbers = pa.array(range(first, first + len(batch)), pa.int64())
            writer.write_table(pa.table([numbers, *_text_columns(batch, width)], schema=schema))
            written += len(batch)
    return written


def scratch_file(scratch: Path, ending: str) -> Path:
    """A new name in the scratch folder, never one used before.

    DuckDB keeps what it has read of a path: a file written anew within one second is read with the old one's pages.
    """
    handle, name = tempfile.mkstemp(dir=scratch, suffix=ending)
    os.close(handle)
    return Path(name)


def parquet_source(path: Path) -> str:
    """What follows FROM to read the records that `write_records` wrote."""
    return f"read_parquet({sql_text(str(path))})"


def _batches(records: Iterable[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    iterator = iter(records)
    while batch := list(islice(iterator, RECORDS_PER_BATCH)):
        yield batch


def _text_columns(batch: list[Sequence[str]], width: int) -> list[pa.Array]:
    import pyarrow as pa

    surplus = [_surplus(row, width) for row in batch] if any(len(row) > width for row in batch) else [None] * len(batch)
    if any(len(row) != width for row in batch):
        batch = [(*row[:width], *[""] * (width - len(row))) for row in batch]
    # zip turns rows into columns at C speed, and Arrow looks for blanks eight times as fast as Python.
    columns = [_without_blanks(pa.array(cells, pa.string())) for cells in zip(*batch, strict=True)]
    return [*columns, pa.array(surplus, pa.string())]


def _without_blanks(column: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    is_blank = pc.equal(pc.utf8_trim_whitespace(column), "")
    return pc.if_else(is_blank, pa.scalar(None, pa.string()), column)


def _surplus(row: Sequence[str], width: int) -> str | None:
    surplus = row[width:]
    return EXTRA_SEPARATOR.join(surplus) if any(cell.strip() for cell in surplus) else None


def _filled_down(relation: str, columns: Sequence[str], fill_down: Sequence[int]) -> str:
    """Carry the text of a group's first row down to its other data rows.

    A column is not carried across a row where a column named before it begins a new group: a new salesperson's rows do
    not take the last customer of the previous one. Totals and repeated headers neither give nor take.
    """
    is_data = f"record_class = '{DATA}'"
    seen: list[str] = []
    cells = {column: column for column in columns}
    for order, position in enumerate(fill_down):
        column = f"c{position}"
        given = f"CASE WHEN {is_data} THEN {column} END"
        seen.append(f"max(CASE WHEN {given} IS NOT NULL THEN record END) OVER so_far AS seen_{order}")
        seen.append(f"last_value({given} IGNORE NULLS) OVER so_far AS carried_{order}")
        same_group = "".join(f" AND seen_{order} >= coalesce(seen_{earlier}, 0)" for earlier in range(order))
        carries = f"{is_data} AND {column} IS NULL{same_group}"
        cells[column] = f"CASE WHEN {carries} THEN carried_{order} ELSE {column} END AS {column}"
    window = "WINDOW so_far AS (ORDER BY record ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    inner = f"(SELECT *, {', '.join(seen)} FROM {relation} {window})"
    return f"(SELECT record, record_class, {', '.join(cells.values())}, extra FROM {inner})"

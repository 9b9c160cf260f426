"""Reading a landed file as tables of texts, whatever its format.

May import: `config`, `schemas`, other modules of `tasks`. What a file is, is told by its first bytes, not by its name:
`.xls` may be a workbook, an HTML table or tab-separated text.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from kehu.config.errors import InputError
from kehu.tasks.headers import Layout, find_header, header_positions
from kehu.tasks.raw_table import RawTable, raw_table
from kehu.tasks.read_text import as_utf8, looks_like_text, read_text
from kehu.tasks.read_workbook import read_html_table, read_workbook
from kehu.tasks.record_classes import sql_text

if TYPE_CHECKING:
    import duckdb

    from kehu.config.sources import FileMapping

__all__ = ["RawTable", "read_records"]

_ZIP, _OLE, _PARQUET = b"PK\x03\x04", bytes.fromhex("D0CF11E0A1B11AE1"), b"PAR1"
_WORKBOOK_SUFFIXES = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".et"})
_HTML_TAGS = ("<html", "<table", "<!doctype html", "<meta", "<head", "<body", "<style", "<div")


def read_records(
    con: duckdb.DuckDBPyConnection, path: Path, file_mapping: FileMapping, file_name: str, scratch: Path
) -> list[RawTable]:
    """Read a landed file.

    Args:
        con: the DuckDB connection the relations will be read on.
        path: the landed file.
        file_mapping: what the source says about the file: encoding, delimiter, sheet, header row, headers.
        file_name: the file's name in errors.
        scratch: an existing folder for converted copies; must live as long as the relations are read.

    Returns:
        One table for a text, HTML or Parquet file, one a sheet for a workbook. A file with a header and nothing below
        it is a table without records.

    Raises:
        InputError: `empty_file`, `wrong_encoding`, `unclosed_quote`, `unreadable_workbook`, `sheet_missing`,
            `header_row_missing`, `column_missing`, `zip_not_supported`.
    """
    with path.open("rb") as file:
        first = file.read(1024)
    if first.startswith(_PARQUET):
        return [_read_parquet(con, path, file_mapping, file_name)]
    if first.startswith(_OLE):
        return read_workbook(path, file_mapping, file_name, scratch)
    if first.startswith(_ZIP):
        _refuse_zip(file_name)
        return read_workbook(path, file_mapping, file_name, scratch)
    if first and _is_workbook_name(file_name) and not looks_like_text(path):
        return read_workbook(path, file_mapping, file_name, scratch)
    if _is_xml_spreadsheet(first):
        raise InputError(
            "The file is an XML spreadsheet of 2003, which is not read.",
            code="unreadable_workbook",
            file=file_name,
            hint="save it as .xlsx or as CSV",
        )
    if _is_html(first):
        page = as_utf8(path, file_mapping.encoding, file_name, scratch)
        return [read_html_table(page.path, page.encoding, file_mapping, file_name, scratch)]
    return [read_text(con, path, file_mapping, file_name, scratch)]


def _is_workbook_name(file_name: str) -> bool:
    return PurePosixPath(file_name).suffix.lower() in _WORKBOOK_SUFFIXES


def _refuse_zip(file_name: str) -> None:
    if PurePosixPath(file_name).suffix.lower() == ".zip":
        raise InputError(
            "Zip archives are not read.",
            code="zip_not_supported",
            file=file_name,
            hint="unpack it into the export folder",
        )


def _is_xml_spreadsheet(first: bytes) -> bool:
    return _beginning(first).startswith(b"<?xml") and b"office:spreadsheet" in _beginning(first)


def _beginning(first: bytes) -> bytes:
    # Marks of UTF-8 and UTF-16 come first; the zeros of UTF-16 stand between the letters of a tag.
    return first.lstrip(b"\xef\xbb\xbf\xff\xfe").replace(b"\0", b"").lstrip().lower()


def _is_html(first: bytes) -> bool:
    return _beginning(first).startswith(tuple(tag.encode() for tag in _HTML_TAGS))


def _read_parquet(con: duckdb.DuckDBPyConnection, path: Path, file_mapping: FileMapping, file_name: str) -> RawTable:
    import duckdb

    source = f"read_parquet({sql_text(str(path))}, file_row_number=true)"
    try:
        described = con.execute(f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {source}").fetchall()
        counted = con.execute(f"SELECT count(*) FROM {source}").fetchone()
    except duckdb.Error:
        raise InputError(
            "The Parquet file cannot be read: it is damaged or was cut off.",
            code="unreadable_parquet",
            file=file_name,
            hint="copy the file again",
        ) from None
    names = [str(row[0]) for row in described]
    found = find_header([names], file_mapping, file_name)
    layout = Layout(found.headers, 0, {"title": 0, "blank": 0, "header": 0}, found.unit_factors)
    cells = ", ".join(
        f"nullif({_as_text(name, str(row[1]))}, '') AS c{position}"
        for position, (name, row) in enumerate(zip(names, described, strict=True))
    )
    return raw_table(
        f"(SELECT file_row_number + 1 AS record, {cells}, NULL::VARCHAR AS extra FROM {source})",
        layout,
        is_numbered=True,
        fill_down=header_positions(layout.headers, file_mapping.fill_down),
        records_below=int(counted[0]) if counted else 0,
    )


def _as_text(name: str, type_: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    return f"upper({quoted}::VARCHAR)" if type_ == "BOOLEAN" else f"{quoted}::VARCHAR"

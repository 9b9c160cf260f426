"""Reading Excel workbooks, and the HTML tables that many systems export under the name `.xls`.

May import: `config`, `schemas`, other modules of `tasks`. Every cell becomes the text a CSV export of the same sheet
would
hold: whole numbers without `.0`, other numbers with the shortest digits that give the same number, dates as
`2024-03-05`, instants as `2024-03-05 08:30:00`, TRUE and FALSE. A merged cell has its text in the first of its cells
only, the others are empty (`fill_down` in the mapping carries it down). Error values (`#REF!`) and formulas never
calculated are empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from html.parser import HTMLParser
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from kehu.config.errors import InputError
from kehu.tasks.headers import MOST_LEADING_RECORDS, find_header, header_positions
from kehu.tasks.raw_table import RawTable, parquet_source, raw_table, scratch_file, write_records

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

    from kehu.config.sources import FileMapping

LAST_ROW = {".xls": 65_536, ".xlsx": 1_048_576}
"""The last row a sheet of each format can hold: a sheet filled to it may have been cut."""

EXACT_WHOLE_NUMBER = 10**15
"""Excel keeps 15 digits. A larger whole number has lost its last ones and is written `9.13E+17`: it can be no code."""

Cell = str | int | float | bool | date | datetime | time | timedelta | None


def read_workbook(path: Path, file_mapping: FileMapping, file_name: str, scratch: Path) -> list[RawTable]:
    """Read the sheets of a workbook that the mapping means.

    That is the sheet it names (hidden or not), every sheet its pattern fits (`销售*`), or without either the first
    visible one; what is left out then stands in the notes.

    Args:
        path: the landed file.
        file_mapping: may name the sheet and the header row.
        file_name: the name to show in errors.
        scratch: folder for the converted sheets; must live as long as the relations are read.

    Raises:
        InputError: `unreadable_workbook` (truncated, encrypted, no workbook), `sheet_missing`, or what `find_header`
            raises.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        workbook = CalamineWorkbook.from_path(str(path))
        names, notes = _sheet_names(workbook, file_mapping, file_name)
        tables = [
            _read_sheet(
                workbook, name, file_mapping, f"{file_name} [{name}]", scratch_file(scratch, ".records.parquet")
            )
            for name in names
        ]
    except PasswordError:
        raise _unreadable(file_name, "The workbook is protected by a password.", "save it without password") from None
    except (CalamineError, OSError) as error:
        raise _unreadable(
            file_name,
            f"The workbook cannot be opened: it is damaged or was cut off ({_first_line(error)}).",
            "export or copy the file again",
        ) from None
    return [replace(table, notes=(*notes, *_cut_note(table, file_name))) for table in tables]


def read_html_table(path: Path, encoding: str, file_mapping: FileMapping, file_name: str, scratch: Path) -> RawTable:
    """Read the tables of an HTML page as one table: what many systems export as `.xls`.

    Args:
        path: a UTF-8 copy of the page.
        encoding: the encoding to note.
        file_mapping: may name the header row.
        file_name: the name to show in errors.
        scratch: folder for the converted table.

    Raises:
        InputError: `unreadable_workbook` (the page holds no table: often a login or error page), or what `find_header`
            raises.
    """
    records = html_records(_pieces(path))
    first = next(records, None)
    if first is None:
        raise _unreadable(
            file_name,
            "The file is a web page without a table, perhaps the page of an expired login.",
            "export it again",
        )
    target = scratch_file(scratch, ".records.parquet")
    return _read_records(chain([first], records), file_mapping, file_name, target, encoding=encoding)


def cell_text(value: Cell) -> str:
    """A cell's value as the text a CSV export would hold.

    >>> [cell_text(value) for value in (12.0, 0.1, True, datetime(2024, 3, 5), 913000000000000000.0)]
    ['12', '0.1', 'TRUE', '2024-03-05', '9.13E+17']
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number_text(value)
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return value.date().isoformat() if midnight else value.isoformat(" ", _precision(value.microsecond))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat(_precision(value.microsecond))
    return _duration_text(value)


# --- workbooks --------------------------------------------------------------------------------------------------------


def _sheet_names(
    workbook: CalamineWorkbook, file_mapping: FileMapping, file_name: str
) -> tuple[list[str], tuple[str, ...]]:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    wanted = file_mapping.sheet
    if wanted is not None:
        exact = [sheet.name for sheet in sheets if sheet.name == wanted]
        named = exact or [sheet.name for sheet in sheets if fnmatchcase(sheet.name, wanted)]
        if not named:
            raise InputError(
                f"The workbook has no sheet {wanted}.",
                code="sheet_missing",
                file=file_name,
                details=[f"sheets: {', '.join(sheet.name for sheet in sheets)}"],
                hint="correct `sheet` in the source mapping",
            )
        return named, ()
    visible = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    if not visible:
        raise InputError(
            "The workbook has no visible sheet.",
            code="sheet_missing",
            file=file_name,
            details=[f"hidden sheets: {', '.join(sheet.name for sheet in sheets)}"],
            hint="name one as `sheet` in the mapping",
        )
    left_out = visible[1:]
    return visible[:1], (f"sheets_left_out: {', '.join(left_out)}",) if left_out else ()


def _read_sheet(workbook: CalamineWorkbook, name: str, file_mapping: FileMapping, shown: str, target: Path) -> RawTable:
    rows = workbook.get_sheet_by_name(name).iter_rows()
    records = ([cell_text(value) for value in row] for row in rows)
    return _read_records(records, file_mapping, shown, target, sheet=name)


def _read_records(
    records: Iterator[Sequence[str]],
    file_mapping: FileMapping,
    shown: str,
    target: Path,
    *,
    sheet: str = "",
    encoding: str = "",
) -> RawTable:
    head = list(islice(records, MOST_LEADING_RECORDS))
    layout = find_header(head, file_mapping, shown)
    below = chain(head[layout.header_record :], records)
    written = write_records(below, len(layout.headers), layout.header_record + 1, target)
    return raw_table(
        parquet_source(target),
        layout,
        is_numbered=True,
        fill_down=header_positions(layout.headers, file_mapping.fill_down),
        records_below=written,
        encoding=encoding,
        sheet=sheet,
    )


def _cut_note(table: RawTable, file_name: str) -> tuple[str, ...]:
    last_row = LAST_ROW.get(Path(file_name).suffix.lower())
    return ("possibly_cut",) if table.header_record + table.records_below == last_row else ()


def _number_text(value: float) -> str:
    if abs(value) >= EXACT_WHOLE_NUMBER:
        return str(Decimal(repr(value)).normalize())
    return str(int(value)) if value == int(value) else repr(value)


def _precision(microsecond: int) -> str:
    return "microseconds" if microsecond else "seconds"


def _duration_text(value: timedelta) -> str:
    seconds = round(value.total_seconds())
    return f"{seconds // 3600}:{seconds % 3600 // 60:02}:{seconds % 60:02}"


def _unreadable(file_name: str, sentence: str, hint: str) -> InputError:
    return InputError(sentence, code="unreadable_workbook", file=file_name, hint=hint)


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


# --- HTML -------------------------------------------------------------------------------------------------------------


def html_records(pieces: Iterable[str]) -> Iterator[list[str]]:
    """The rows of all tables of an HTML page, one after another, while it is being read.

    A cell over several columns or rows has its text in the first of them only, as in a workbook. A table within a cell
    gives rows of its own.
    """
    parser = _TableParser()
    for piece in pieces:
        parser.feed(piece)
        yield from parser.take()
    parser.close()
    yield from parser.take()


def _pieces(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig") as file:
        while piece := file.read(1 << 20):
            yield piece


class _TableParser(HTMLParser):
    """Collects finished rows. Lenient: rows and cells that are never closed end where the next begins."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._rows: list[list[str]] = []
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._columns = 1
        # Column → further rows a cell above still covers it.
        self._covered: dict[int, int] = {}
        self._spans: list[tuple[int, int, int]] = []

    def take(self) -> list[list[str]]:
        taken, self._rows = self._rows, []
        return taken

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._end_row()
            self._covered = {}
        elif tag == "tr":
            self._end_row()
            self._row = []
        elif tag in ("td", "th"):
            self._end_cell()
            if self._row is None:
                self._row = []
            self._begin_cell({name: value or "" for name, value in attrs})
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._end_cell()
        elif tag in ("tr", "table"):
            self._end_row()

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def close(self) -> None:
        super().close()
        self._end_row()

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        assert self._row is not None  # noqa: S101 - narrows for mypy
        while self._covered.get(len(self._row), 0):
            self._row.append("")
        self._columns = _span(attributes.get("colspan"))
        self._spans.append((len(self._row), self._columns, _span(attributes.get("rowspan"))))
        self._cell = []

    def _end_cell(self) -> None:
        if self._cell is None or self._row is None:
            return
        lines = (" ".join(line.split()) for line in "".join(self._cell).strip().split("\n"))
        self._row.extend(["\n".join(line for line in lines if line), *[""] * (self._columns - 1)])
        self._cell = None

    def _end_row(self) -> None:
        self._end_cell()
        if self._row is None:
            return
        self._rows.append(self._row)
        self._row = None
        self._covered = {column: left - 1 for column, left in self._covered.items() if left > 1}
        for start, columns, rows in self._spans:
            if rows > 1:
                self._covered.update(dict.fromkeys(range(start, start + columns), rows - 1))
        self._spans = []


def _span(stated: str | None) -> int:
    # Reports write nonsense such as colspan="100%"; a table wider than Excel's is none.
    return min(max(int(stated), 1), 16_384) if stated and stated.strip().isdigit() else 1

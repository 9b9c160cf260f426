"""Reading text exports: which encoding, which delimiter, and the fastest way that reads every record right.

May import: `config`, `schemas`, other modules of `tasks`. Two ways lead to the same cells:

- *fast*: DuckDB reads the file itself, in parallel. Taken only if it finds exactly one record in every line below the
  header: then no cell holds a line break, no line is blank, no record is shorter or longer than the header, and the
  file is valid UTF-8 from end to end. Any doubt is an error of its strict reader, and leads to the other way.
- *careful*: Python's csv reader streams the file to Parquet, with everything real exports do to a table.

Other encodings are decoded to UTF-8 first, in one stream. Both ways drop blanks before a cell: they mean nothing.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from kehu.config.errors import InputError
from kehu.tasks.headers import (
    MOST_LEADING_RECORDS,
    Layout,
    find_header,
    header_position,
    known_headers,
    normalise_header,
)
from kehu.tasks.raw_table import RawTable, column_names, parquet_source, raw_table, write_records
from kehu.tasks.record_classes import BLANKS, sql_text

if TYPE_CHECKING:
    import duckdb

    from kehu.config.sources import FileMapping

DELIMITERS = (",", "\t", ";", "|")
"""Characters that separate fields in exports, the commonest first: it wins where nothing else decides."""

HEAD_BYTES = 256 * 1024
"""The header, the delimiter and a first guess at the encoding come from this much of the file."""

CHUNK_BYTES = 4 * 1024 * 1024

LARGEST_CELL = 16 * 1024 * 1024
"""A larger cell is a quotation mark that was never closed."""

# Python's GB18030 reads GBK and GB2312 too; its four-byte forms carry rare surnames.
_GB_FAMILY = frozenset({"gbk", "gb2312", "gb18030", "cp936", "hz"})
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

# GB text happens to be valid UTF-8 for a character or two, never for this many of three bytes.
_PROOF_OF_UTF8 = 10

_END = "\0end of file\0"


@dataclass(frozen=True)
class Dialect:
    """How a text file is cut into records: its UTF-8 copy, its delimiter, its header, and where the data begin."""

    path: Path
    encoding: str
    delimiter: str
    layout: Layout
    header_lines: int
    has_padding: bool


def read_text(
    con: duckdb.DuckDBPyConnection, path: Path, file_mapping: FileMapping, file_name: str, scratch: Path
) -> RawTable:
    """Read a delimited text file.

    Args:
        con: the connection that will read the relation.
        path: the landed file.
        file_mapping: may force encoding, delimiter and header row.
        file_name: the name to show in errors.
        scratch: folder for decoded and converted copies; must live as long as the relation is read.

    Raises:
        InputError: `empty_file`, `wrong_encoding`, `unclosed_quote`, or what `find_header` raises.
    """
    if path.stat().st_size == 0:
        raise InputError(
            "The file is empty.",
            code="empty_file",
            file=file_name,
            hint="ask for the export again, or mark the file `required: false` in the source mapping",
        )
    encoding = _encoding_of(path, file_mapping.encoding, file_name)
    dialect = _dialect(path, encoding, file_mapping, file_name, scratch)
    fast = _read_fast(con, dialect, file_mapping, scratch)
    if fast is not None:
        return fast
    if encoding == "utf-8" and file_mapping.encoding is None and not _is_all_utf8(path, file_name):
        # The head was plain ASCII or looked like UTF-8; what follows is not.
        dialect = _dialect(path, "gb18030", file_mapping, file_name, scratch)
        fast = _read_fast(con, dialect, file_mapping, scratch)
    elif encoding == "utf-8" and file_mapping.encoding is not None:
        _decode(path, "utf-8", file_name, None)
    return fast if fast is not None else _read_carefully(dialect, file_mapping, file_name, scratch)


def utf8_copy(path: Path, file_mapping: FileMapping, file_name: str, scratch: Path) -> tuple[Path, str]:
    """A text file in UTF-8, for readers of other formats: the file itself where it is UTF-8, else a decoded copy.

    Returns:
        The path to read, and the encoding of the file as received.

    Raises:
        InputError: `wrong_encoding`.
    """
    encoding = _encoding_of(path, file_mapping.encoding, file_name)
    if encoding == "utf-8" and file_mapping.encoding is not None:
        _decode(path, encoding, file_name, None)
    elif encoding == "utf-8" and not _is_all_utf8(path, file_name):
        encoding = "gb18030"
    return (path if encoding == "utf-8" else _utf8_copy(path, encoding, file_name, scratch)), encoding


def looks_like_text(path: Path) -> bool:
    """False for binary content: more than a few control characters among the first bytes, unless it is UTF-16."""
    with path.open("rb") as file:
        head = file.read(4096)
    if _encoding_by_zeros(head) or head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\v\x1b\x1a" for byte in head)
    return controls * 100 <= len(head)


# --- encoding ---------------------------------------------------------------------------------------------------------


def _encoding_of(path: Path, forced: str | None, file_name: str) -> str:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    by_bom = next((encoding for bom, encoding in _BOMS if head.startswith(bom)), None)
    if forced is None:
        return by_bom or _encoding_by_zeros(head) or _guess(head, file_name)
    wanted = _canonical(forced)
    if by_bom and by_bom.split("-")[:2] != wanted.split("-")[:2]:
        raise _wrong_encoding(file_name, f"The mapping says {forced}, but the file begins with the mark of {by_bom}.")
    if wanted == "utf-16":
        return by_bom or "utf-16-le"
    if wanted != "utf-8" and not wanted.startswith("utf-16") and _wide_characters(head) >= _PROOF_OF_UTF8:
        raise _wrong_encoding(file_name, f"The mapping says {forced}, but the file is UTF-8.")
    return wanted


def _canonical(encoding: str) -> str:
    name = codecs.lookup(encoding).name
    if name in _GB_FAMILY:
        return "gb18030"
    return "utf-8" if name == "utf-8-sig" else name


def _encoding_by_zeros(head: bytes) -> str | None:
    # UTF-16 without a mark: every other byte of ASCII text is zero, in files of our kind at least every tenth.
    pairs = len(head) // 2
    if pairs == 0:
        return None
    if head[1::2].count(0) * 10 > pairs and head[0::2].count(0) * 100 <= pairs:
        return "utf-16-le"
    if head[0::2].count(0) * 10 > pairs and head[1::2].count(0) * 100 <= pairs:
        return "utf-16-be"
    return None


def _guess(head: bytes, file_name: str) -> str:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError as error:
        _refuse_damaged_utf8(head[: error.start], error.start, head.count(b"\n", 0, error.start) + 1, file_name)
        return "gb18030"
    return "utf-8"


def _wide_characters(head: bytes) -> int:
    """How many characters of three and more bytes the head has if it is valid UTF-8, else 0."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return 0
    return sum(character > "\u07ff" for character in text)


def _refuse_damaged_utf8(valid: bytes, offset: int, line: int, file_name: str) -> None:
    """A file that is UTF-8 up to one bad byte is damaged; reading it as GB18030 would give nonsense, in silence."""
    if _wide_characters(valid) >= _PROOF_OF_UTF8:
        raise _wrong_encoding(
            file_name, "The file is UTF-8, but not all of it: it is damaged or put together from two.", offset, line
        )


def _is_all_utf8(path: Path, file_name: str) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    read = lines = wide = 0
    for chunk, is_last in _chunks(path):
        try:
            text = decoder.decode(chunk, is_last)
        except UnicodeDecodeError as error:
            offset = read + len(chunk) - len(error.object) + error.start
            if wide >= _PROOF_OF_UTF8:
                line = lines + error.object.count(b"\n", 0, error.start) + 1
                raise _wrong_encoding(
                    file_name,
                    "The file is UTF-8, but not all of it: it is damaged or put together from two.",
                    offset,
                    line,
                ) from None
            return False
        if wide < _PROOF_OF_UTF8 and not text.isascii():
            wide += sum(character > "\u07ff" for character in text)
        read += len(chunk)
        lines += chunk.count(b"\n")
    return True


def _decode(path: Path, encoding: str, file_name: str, target: io.BufferedWriter | None) -> None:
    """Decode a file strictly from end to end, writing it as UTF-8 where a target is given."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    read = lines = 0
    for chunk, is_last in _chunks(path):
        try:
            text = decoder.decode(chunk, is_last)
        except UnicodeDecodeError as error:
            start = read + len(chunk) - len(error.object)
            line = lines + error.object[: error.start].decode(encoding, "ignore").count("\n") + 1
            raise _wrong_encoding(file_name, f"The file is not {encoding}.", start + error.start, line) from None
        if target is not None:
            target.write((text.removeprefix("\ufeff") if read == 0 else text).encode())
        read += len(chunk)
        lines += text.count("\n")


def _utf8_copy(path: Path, encoding: str, file_name: str, scratch: Path) -> Path:
    copy = scratch / f"{_short_hash(file_name, encoding)}.utf8.csv"
    with copy.open("wb") as target:
        _decode(path, encoding, file_name, target)
    return copy


def _chunks(path: Path) -> Iterator[tuple[bytes, bool]]:
    with path.open("rb") as file:
        chunk = file.read(CHUNK_BYTES)
        while chunk:
            following = file.read(CHUNK_BYTES)
            yield chunk, not following
            chunk = following


def _wrong_encoding(file_name: str, sentence: str, offset: int | None = None, line: int | None = None) -> InputError:
    details = [] if offset is None else [f"first byte that does not fit: number {offset + 1}, in line {line}"]
    return InputError(
        sentence,
        code="wrong_encoding",
        file=file_name,
        row=line,
        details=details,
        hint="correct or remove `encoding:` in the source mapping, or export the file anew (utf-8, gb18030, utf-16)",
    )


# --- delimiter and header ---------------------------------------------------------------------------------------------


def _dialect(path: Path, encoding: str, file_mapping: FileMapping, file_name: str, scratch: Path) -> Dialect:
    utf8 = path if encoding == "utf-8" else _utf8_copy(path, encoding, file_name, scratch)
    with utf8.open("rb") as file:
        raw = file.read(HEAD_BYTES)
        is_cut = bool(file.read(1))
    # Bytes that are no UTF-8 are met again, and refused, where the whole file is read.
    head = codecs.getincrementaldecoder("utf-8-sig")("replace").decode(raw)
    delimiter = file_mapping.delimiter or _delimiter(head, is_cut, file_mapping)
    records, lines = _first_records(head, delimiter, is_cut)
    layout = find_header(records, file_mapping, file_name)
    cells = chain.from_iterable(records)
    return Dialect(
        path=utf8,
        encoding=encoding,
        delimiter=delimiter,
        layout=layout,
        header_lines=lines[layout.header_record - 1],
        has_padding=any(cell and not cell.strip(BLANKS) for cell in cells),
    )


def _first_records(head: str, delimiter: str, is_cut: bool) -> tuple[list[list[str]], list[int]]:
    """The first records and, for each, the number of the line it ends in."""
    csv.field_size_limit(LARGEST_CELL)
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter, skipinitialspace=True)
    records: list[list[str]] = []
    lines: list[int] = []
    for record in islice(reader, MOST_LEADING_RECORDS + 1):
        records.append(record)
        lines.append(reader.line_num)
    if is_cut and len(records) <= MOST_LEADING_RECORDS and len(records) > 1:
        records.pop()  # the head ends in the middle of it
    return records[:MOST_LEADING_RECORDS], lines


def _delimiter(head: str, is_cut: bool, file_mapping: FileMapping) -> str:
    """The delimiter that shows most known headers in one record; of equals the one that cuts most records alike."""
    stated = re.match(r"sep=(.)\r?\n", head)
    if stated:
        return stated[1]
    known = known_headers(file_mapping)

    def fit(delimiter: str) -> tuple[int, int, int]:
        records, _ = _first_records(head, delimiter, is_cut)
        matches = max((len(known & {normalise_header(cell) for cell in record}) for record in records), default=0)
        widths = [len(record) for record in records if len(record) > 1]
        usual = max(set(widths), key=lambda width: (widths.count(width), width), default=0)
        return matches if usual > 1 else 0, widths.count(usual), -DELIMITERS.index(delimiter)

    return max(DELIMITERS, key=fit)


# --- the two ways -----------------------------------------------------------------------------------------------------


def _read_fast(
    con: duckdb.DuckDBPyConnection, dialect: Dialect, file_mapping: FileMapping, scratch: Path
) -> RawTable | None:
    """The file as DuckDB reads it, or None where one line is not one record all the way."""
    import duckdb

    scan = _duckdb_scan(dialect, scratch)
    lines = _count_lines(dialect.path) - dialect.header_lines
    try:
        found = con.execute(f"SELECT count(*) FROM {scan}").fetchone()
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return None
    if found is None or found[0] != lines:
        return None
    cells = ", ".join(column_names(len(dialect.layout.headers)))
    return raw_table(
        f"(SELECT {cells}, NULL::VARCHAR AS extra FROM {scan})",
        dialect.layout,
        is_numbered=False,
        has_padding=dialect.has_padding,
        fill_down=_fill_down(dialect.layout, file_mapping),
        records_below=lines,
        encoding=dialect.encoding,
    )


def _duckdb_scan(dialect: Dialect, scratch: Path) -> str:
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in column_names(len(dialect.layout.headers)))
    options = {
        "auto_detect": "false",
        "header": "false",
        "skip": str(dialect.header_lines),
        "delim": sql_text(dialect.delimiter),
        "quote": "'\"'",
        "escape": "'\"'",
        "nullstr": "''",
        "strict_mode": "true",
        "null_padding": "false",
        "columns": f"{{{columns}}}",
    }
    path = _without_wildcards(dialect.path, scratch)
    return f"read_csv({sql_text(str(path))}, {', '.join(f'{name}={value}' for name, value in options.items())})"


def _without_wildcards(path: Path, scratch: Path) -> Path:
    """DuckDB takes `[`, `*` and `?` in a path for a pattern: `客户[1].csv` is read through a link with a plain name."""
    if not re.search(r"[\[\]*?]", str(path)):
        return path
    link = scratch / f"{_short_hash(str(path))}.csv"
    link.unlink(missing_ok=True)
    link.symlink_to(path.resolve())
    return link


def _count_lines(path: Path) -> int:
    lines, last = 0, b"\n"
    for chunk, _ in _chunks(path):
        lines += chunk.count(b"\n")
        last = chunk[-1:]
    return lines + (last != b"\n")


def _read_carefully(dialect: Dialect, file_mapping: FileMapping, file_name: str, scratch: Path) -> RawTable:
    target = scratch / f"{_short_hash(file_name, file_mapping.name)}.records.parquet"
    width = len(dialect.layout.headers)
    header_record = dialect.layout.header_record
    records = islice(_csv_records(dialect, file_name), header_record, None)
    written = write_records(records, width, header_record + 1, target)
    return raw_table(
        parquet_source(target),
        dialect.layout,
        is_numbered=True,
        has_padding=True,
        fill_down=_fill_down(dialect.layout, file_mapping),
        records_below=written,
        encoding=dialect.encoding,
    )


def _csv_records(dialect: Dialect, file_name: str) -> Iterator[Sequence[str]]:
    """The records of a file; a quotation mark that is never closed is an error, not one long last cell."""
    csv.field_size_limit(LARGEST_CELL)
    number = 0
    with dialect.path.open(encoding="utf-8-sig", newline="") as file:
        # A line of our own comes back as a record of its own, unless a cell is still open there.
        reader = csv.reader(chain(file, [_END]), delimiter=dialect.delimiter, skipinitialspace=True)
        try:
            for number, record in enumerate(reader, start=1):
                if record and record[-1].endswith(_END):
                    if len(record) > 1 or record[0] != _END:
                        raise _unclosed_quote(file_name, number)
                    return
                yield record
        except csv.Error:
            raise _unclosed_quote(file_name, number + 1) from None


def _unclosed_quote(file_name: str, record: int) -> InputError:
    return InputError(
        "A quotation mark is opened and never closed: everything after it would be one cell.",
        code="unclosed_quote",
        file=file_name,
        row=record,
        hint="close or double the quotation mark, or export the file anew as .xlsx",
    )


def _fill_down(layout: Layout, file_mapping: FileMapping) -> list[int]:
    found = (header_position(layout.headers, header) for header in file_mapping.fill_down)
    return [position for position in found if position is not None]


def _short_hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

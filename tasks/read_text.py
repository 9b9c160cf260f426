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
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from kehu.config.errors import InputError
from kehu.tasks.headers import (
    MOST_LEADING_RECORDS,
    Layout,
    find_header,
    header_positions,
    known_headers,
    normalise_header,
)
from kehu.tasks.raw_table import RawTable, column_names, parquet_source, raw_table, scratch_file, write_records
from kehu.tasks.record_classes import BLANKS, blank_sql, sql_text

if TYPE_CHECKING:
    import duckdb

    from kehu.config.sources import FileMapping

DELIMITERS = (",", "\t", ";", "|")
"""Characters that separate fields in exports, the commonest first: it wins where nothing else decides."""

HEAD_BYTES = 256 * 1024
"""The header, the delimiter and a first guess at the encoding come from this much of the file."""

CHUNK_BYTES = 256 * 1024
"""Small enough to stay in the processor's cache while it is decoded: a third faster than megabytes at a time."""

LARGEST_CELL = 16 * 1024 * 1024
"""A larger cell is a quotation mark that was never closed."""

# Python's GB18030 reads GBK and GB2312 too; its four-byte forms carry rare surnames.
_GB_FAMILY = frozenset({"gbk", "gb2312", "gb18030", "cp936", "hz"})
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

# GB text happens to be valid UTF-8 for a character or two, never for this many of three bytes.
_PROOF_OF_UTF8 = 10

# A doubled quotation mark stands within a cell, unless the cell ends right there.
_BLANK_BEFORE_QUOTE = re.compile(r'[,\t;|\r\n] +"(?!"[^,\t;|\r\n])')

_LAST_CHARACTERS = 64
"""As many of a piece are looked at again with the next one, for what stands across their border."""

_END = "\0end of file\0"


@dataclass(frozen=True)
class Utf8File:
    """A text file in UTF-8, valid from end to end.

    Attributes:
        path: the file as received where it is UTF-8, else a decoded copy.
        encoding: the encoding as received.
        lines: how many lines it has; a last one without line break counts.
        is_plain: whether all csv readers agree on it: no carriage return without a line feed (line ends of old
            systems, or within cells), and no blank before a quotation mark that opens a cell.
    """

    path: Path
    encoding: str
    lines: int
    is_plain: bool


@dataclass(frozen=True)
class Dialect:
    """How a text file is cut into records: its delimiter, its header, and the line the data begin after."""

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
    file = as_utf8(path, file_mapping.encoding, file_name, scratch)
    dialect = _dialect(file.path, file_mapping, file_name)
    fill_down = header_positions(dialect.layout.headers, file_mapping.fill_down)
    fast = _read_fast(con, file, dialect, fill_down, scratch)
    return fast if fast is not None else _read_carefully(file, dialect, fill_down, file_name, scratch)


def as_utf8(path: Path, forced: str | None, file_name: str, scratch: Path) -> Utf8File:
    """Find the encoding of a text file, check every byte of it, and give it in UTF-8.

    Rule: the encoding the mapping forces; else a byte order mark; else UTF-8 if all of the file is; else GB18030. A
    file that is UTF-8 up to one bad byte is refused, not read as GB18030: that would give nonsense in silence. So is a
    file in UTF-8 for which the mapping forces another encoding.

    Raises:
        InputError: `empty_file`, `wrong_encoding`.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise InputError(
            "The file is empty.",
            code="empty_file",
            file=file_name,
            hint="ask for the export again, or mark the file `required: false` in the source mapping",
        )
    encoding = _forced(forced, head, file_name) if forced else _marked(head) or "utf-8"
    if encoding == "utf-8":
        try:
            return Utf8File(path, encoding, *_decode(path, encoding, None))
        except _NotDecodable as error:
            if forced or error.wide_characters >= _PROOF_OF_UTF8:
                raise _wrong_encoding(
                    file_name, _MOSTLY_UTF8 if not forced else f"The file is not {forced}.", error
                ) from None
            encoding = "gb18030"
    copy = scratch_file(scratch, ".utf8.csv")
    try:
        with copy.open("wb") as target:
            return Utf8File(copy, encoding, *_decode(path, encoding, target))
    except _NotDecodable as error:
        sentence = f"The file is not {forced}." if forced else "The file is neither UTF-8 nor GB18030."
        raise _wrong_encoding(file_name, sentence, error) from None


def looks_like_text(path: Path) -> bool:
    """False for binary content: more than a few control characters among the first bytes, unless it is UTF-16."""
    with path.open("rb") as file:
        head = file.read(4096)
    if _marked(head):
        return True
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\v\x1b\x1a" for byte in head)
    return controls * 100 <= len(head)


# --- encoding ---------------------------------------------------------------------------------------------------------

_MOSTLY_UTF8 = "The file is UTF-8, but not all of it: it is damaged or put together from two."


class _NotDecodable(Exception):
    """Where the decoding of a file came to an end, and how much it had to say until then."""

    def __init__(self, offset: int, line: int, wide_characters: int) -> None:
        super().__init__(offset, line, wide_characters)
        self.offset = offset
        self.line = line
        self.wide_characters = wide_characters


def _marked(head: bytes) -> str | None:
    """The encoding the first bytes give away, by a byte order mark or by the zeros of UTF-16."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    # UTF-16 without a mark: every other byte of ASCII text is zero, in files of our kind at least every tenth.
    pairs = len(head) // 2
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if pairs and odd * 10 > pairs and even * 100 <= pairs:
        return "utf-16-le"
    if pairs and even * 10 > pairs and odd * 100 <= pairs:
        return "utf-16-be"
    return None


def _forced(forced: str, head: bytes, file_name: str) -> str:
    name = codecs.lookup(forced).name
    wanted = "gb18030" if name in _GB_FAMILY else "utf-8" if name == "utf-8-sig" else name
    marked = _marked(head)
    if marked and marked.split("-")[:2] != wanted.split("-")[:2]:
        raise _wrong_encoding(file_name, f"The mapping says {forced}, but the file is {marked}.")
    if wanted == "utf-16":
        return marked or "utf-16-le"
    if not wanted.startswith("utf") and _wide_characters_of_utf8(head) >= _PROOF_OF_UTF8:
        raise _wrong_encoding(file_name, f"The mapping says {forced}, but the file is utf-8.")
    return wanted


def _wide_characters_of_utf8(head: bytes) -> int:
    try:
        return _wide_characters(codecs.getincrementaldecoder("utf-8")().decode(head))
    except UnicodeDecodeError:
        return 0


def _wide_characters(text: str) -> int:
    """How many characters take three bytes and more in UTF-8: Chinese ones, for instance."""
    return 0 if text.isascii() else sum(character > "\u07ff" for character in text)


def _decode(path: Path, encoding: str, target: BinaryIO | None) -> tuple[int, bool]:
    """Decode a file strictly from end to end, writing it as UTF-8 where a target is given.

    Returns:
        Its lines, and whether it is plain (see `Utf8File`).
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    read = lines = wide = bare_returns = 0
    is_plain, last = True, "\n"
    for chunk, is_last in _chunks(path):
        try:
            text = decoder.decode(chunk, is_last)
        except UnicodeDecodeError as error:
            # The decoder may have kept the first bytes of a character from the chunk before.
            offset = read + len(chunk) - len(error.object) + error.start
            valid = error.object[: error.start].decode(encoding, "ignore")
            raise _NotDecodable(offset, lines + valid.count("\n") + 1, wide + _wide_characters(valid)) from None
        if target is not None:
            target.write((text.removeprefix("\ufeff") if read == 0 else text).encode())
        read += len(chunk)
        lines += text.count("\n")
        if "\r" in text:
            bare_returns += text.count("\r") - text.count("\r\n")
        if last.endswith("\r") and text.startswith("\n"):
            bare_returns -= 1
        if is_plain and (' "' in text or (last.endswith(" ") and text.startswith('"'))):
            is_plain = not _BLANK_BEFORE_QUOTE.search(last + text)
        last = text[-_LAST_CHARACTERS:] or last
        if wide < _PROOF_OF_UTF8:
            wide += _wide_characters(text)
    return lines + (not last.endswith("\n")), is_plain and bare_returns == 0


def _chunks(path: Path) -> Iterator[tuple[bytes, bool]]:
    with path.open("rb") as file:
        chunk = file.read(CHUNK_BYTES)
        while chunk:
            following = file.read(CHUNK_BYTES)
            yield chunk, not following
            chunk = following


def _wrong_encoding(file_name: str, sentence: str, place: _NotDecodable | None = None) -> InputError:
    return InputError(
        sentence,
        code="wrong_encoding",
        file=file_name,
        row=place.line if place else None,
        details=[f"first byte that does not fit: number {place.offset + 1}, in line {place.line}"] if place else [],
        hint="correct or remove `encoding:` in the source mapping, or export the file anew (utf-8, gb18030, utf-16)",
    )


# --- delimiter and header ---------------------------------------------------------------------------------------------


def _dialect(path: Path, file_mapping: FileMapping, file_name: str) -> Dialect:
    with path.open("rb") as file:
        raw = file.read(HEAD_BYTES)
        is_cut = bool(file.read(1))
    head = codecs.getincrementaldecoder("utf-8-sig")().decode(raw)
    delimiter = file_mapping.delimiter or _delimiter(head, is_cut, file_mapping)
    records, lines = _first_records(head, delimiter, is_cut)
    layout = find_header(records, file_mapping, file_name)
    return Dialect(
        delimiter=delimiter,
        layout=layout,
        header_lines=lines[layout.header_record - 1],
        has_padding=any(cell and not cell.strip(BLANKS) for cell in chain.from_iterable(records)),
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
    con: duckdb.DuckDBPyConnection, file: Utf8File, dialect: Dialect, fill_down: Sequence[int], scratch: Path
) -> RawTable | None:
    """The file as DuckDB reads it, or None where one line is not one record all the way."""
    import duckdb

    if not file.is_plain or dialect.delimiter not in DELIMITERS:
        return None
    scan = _duckdb_scan(file.path, dialect, scratch)
    lines = file.lines - dialect.header_lines
    try:
        found = con.execute(f"SELECT count(*) FROM {scan}").fetchone()
    except duckdb.InvalidInputException:
        return None
    if found is None or found[0] != lines:
        return None
    names = column_names(len(dialect.layout.headers))
    cells = ", ".join(map(_empty_if_blank, names) if dialect.has_padding else names)
    return raw_table(
        f"(SELECT {cells}, NULL::VARCHAR AS extra FROM {scan})",
        dialect.layout,
        is_numbered=False,
        fill_down=fill_down,
        records_below=lines,
        encoding=file.encoding,
    )


def _empty_if_blank(column: str) -> str:
    return f"CASE WHEN {blank_sql(column)} THEN NULL ELSE {column} END AS {column}"


def _duckdb_scan(path: Path, dialect: Dialect, scratch: Path) -> str:
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
    plain = _without_wildcards(path, scratch)
    return f"read_csv({sql_text(str(plain))}, {', '.join(f'{name}={value}' for name, value in options.items())})"


def _without_wildcards(path: Path, scratch: Path) -> Path:
    """DuckDB takes `[`, `*` and `?` in a path for a pattern: `客户[1].csv` is read through a link with a plain name."""
    if not re.search(r"[\[\]*?]", str(path)):
        return path
    link = scratch_file(scratch, ".csv")
    link.unlink()
    link.symlink_to(path.resolve())
    return link


def _read_carefully(
    file: Utf8File, dialect: Dialect, fill_down: Sequence[int], file_name: str, scratch: Path
) -> RawTable:
    target = scratch_file(scratch, ".records.parquet")
    header_record = dialect.layout.header_record
    records = islice(_csv_records(file.path, dialect.delimiter, file_name), header_record, None)
    written = write_records(records, len(dialect.layout.headers), header_record + 1, target)
    return raw_table(
        parquet_source(target),
        dialect.layout,
        is_numbered=True,
        fill_down=fill_down,
        records_below=written,
        encoding=file.encoding,
    )


def _csv_records(path: Path, delimiter: str, file_name: str) -> Iterator[Sequence[str]]:
    """The records of a file; a quotation mark that is never closed is an error, not one long last cell."""
    csv.field_size_limit(LARGEST_CELL)
    number, last = 0, [_END, _END]
    with path.open(encoding="utf-8-sig", newline="") as file:
        # A last line of our own comes back as a record of its own, unless a cell is still open there.
        reader = csv.reader(chain(file, [delimiter.join(last)]), delimiter=delimiter, skipinitialspace=True)
        record = None
        try:
            for following in reader:
                if record is not None:
                    yield record
                record = following
                number += 1
        except csv.Error:
            raise _unclosed_quote(file_name, number + 1) from None
    if record != last:
        raise _unclosed_quote(file_name, number)


def _unclosed_quote(file_name: str, record: int) -> InputError:
    return InputError(
        "A quotation mark is opened and never closed: everything after it would be one cell.",
        code="unclosed_quote",
        file=file_name,
        row=record,
        hint="close or double the quotation mark, or export the file anew as .xlsx",
    )

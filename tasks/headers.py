"""Which record of a file is its header, and what the printed headers mean in our contracts.

May import: `config`, `schemas`. Pure: lists of cells in, positions and names out.

Headers are compared in a normal form that forgets how a report was typeset: width of letters and brackets, blanks and
line breaks, marks such as `*` and `(必填)`, case, and traditional for simplified characters. A unit in a header,
`金额(万元)`, is not part of the name: it says by what the values are multiplied.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from kehu.config.errors import InputError
from kehu.config.sources import UNITS
from kehu.schemas.tables import ENTITIES

if TYPE_CHECKING:
    from kehu.config.sources import FileMapping
    from kehu.schemas.model import Field, Table

MOST_LEADING_RECORDS = 30
"""The header is looked for among this many records: title blocks are shorter, and data must not be taken for one."""

_UNIT = f"(?:人民币)?({'|'.join(sorted(UNITS, key=len, reverse=True))})"
_UNIT_IN_HEADER = re.compile(rf"(?:[(\[【](?:金额)?(?:单位:?)?{_UNIT}[)\]】]|[/_-]{_UNIT})$")
_UNIT_IN_TITLE = re.compile(rf"单位:?{_UNIT}(?![一-鿿])")

# What a header says about the form it came from, not about its column.
_MARKS = re.compile(r"[*'\"`]|[(\[【]?必填项?[)\]】]?|^(?:sep=.)$")
_INVISIBLE = re.compile("[\\s\u200b-\u200f\u2060\ufeff]+")

# Characters of headers in traditional script. Whole texts are never converted: only headers are compared in this form.
_SIMPLIFIED = str.maketrans(
    "戶編號稱單據訂額數價稅業務員產類貨區國發門實際總計賬帳現應開時間態聯繫絡電話統會職責負經辦銷項備註條碼規",
    "户编号称单据订额数价税业务员产类货区国发门实际总计账账现应开时间态联系络电话统会职责负经办销项备注条码规",
)

# Never in an export: they are ours, filled from the mapping and the delivery.
_OURS_ONLY = frozenset({"source", "delivery_id", "source_row"})

_QUOTED_IDENTIFIER = re.compile(r"'(?:[^']|'')*'|\"((?:[^\"]|\"\")+)\"")


@dataclass(frozen=True)
class Layout:
    """Where the header of a file stands and what it says.

    Attributes:
        headers: the printed headers, made unique with `.1`, `.2`; a column without one is called `column N`.
        header_record: number of the last header record, the first record of the file being 1; 0 if there is none.
        leading: how many of the records up to and including the header are `title`, `blank`, `header`.
        unit_factors: for each column what its money is multiplied by, None where neither header nor title says so.
        header_cells: the cells of the header records as they stand in the file.
        titles: the first texts of the title records above the header.
    """

    headers: tuple[str, ...]
    header_record: int
    leading: Mapping[str, int]
    unit_factors: tuple[Decimal | None, ...]
    header_cells: tuple[tuple[str, ...], ...] = ()
    titles: tuple[str, ...] = ()


def normalise_header(text: str) -> str:
    """The form in which two headers are compared.

    Full width becomes half width, case is folded, traditional characters become simplified; blanks, line breaks, byte
    order marks, underscores, quotation marks, `*` and `必填` vanish. `客户 编码*`, `客戶編碼` and `客户编码（必填）`
    are all `客户编码`; `Customer ID`, `customer_id` and `CustomerID` are one header too.
    """
    return _folded(text).replace("_", "")


def header_unit(text: str) -> Decimal | None:
    """What values under this header are multiplied by: 10 000 for `金额(万元)`; None where the header names no unit."""
    found = _UNIT_IN_HEADER.search(_folded(text))
    return UNITS[found[1] or found[2]] if found else None


def title_unit(cells: Iterable[str]) -> Decimal | None:
    """The unit a title line states for the whole file, e.g. `单位:万元`; None where it states none."""
    for cell in cells:
        found = _UNIT_IN_TITLE.search(normalise_header(cell))
        if found:
            return UNITS[found[1]]
    return None


def match_headers(headers: Sequence[str], table: Table) -> dict[str, int]:
    """Find the contract columns of an entity among printed headers.

    A column is named by its own name, its Chinese label or one of its synonyms, in the order of the contract: of two
    headers that fit, the one whose synonym stands first is taken, then the one further left. A header that fits two
    columns goes to the one that stands first in the entity. A unit in brackets is left out of the comparison, unless
    the header with its unit is itself a synonym.

    Returns:
        Field name → position of the header. Headers that fit nothing are not in it.
    """
    positions: dict[str, int] = {}
    for place, header in enumerate(headers):
        for form in _forms(header):
            positions.setdefault(form, place)
    found: dict[str, int] = {}
    for column in table.columns:
        position = _first_position(column, positions, found.values())
        if position is not None:
            found[column.name] = position
    return found


def known_headers(file_mapping: FileMapping) -> frozenset[str]:
    """Normal forms of every header that may stand in this file: those of its mapping and the contracts' synonyms."""
    entities = {feed.entity for feed in file_mapping.feeds}
    tables = [table for table in ENTITIES if table.name in entities] or list(ENTITIES)
    words = {word for table in tables for column in table.columns for word in _words(column)}
    words.update(mapped_headers(file_mapping))
    return frozenset(normalise_header(word) for word in words) - {""}


def mapped_headers(file_mapping: FileMapping) -> tuple[str, ...]:
    """The headers a mapping names, in the order it names them: of columns, expressions, conditions and `fill_down`.

    The statement of a `sql` feed is left out: its names may belong to other files.
    """
    return tuple(dict.fromkeys(_named_headers(file_mapping)))


def find_header(records: Sequence[Sequence[str]], file_mapping: FileMapping, file_name: str) -> Layout:
    """Find the header among the first records of a file.

    Rule: the record number the mapping gives; else the record in which most cells are known headers (at least two, or
    the only one there is), the first of equals; else the first record with two or more cells, all of them texts; else
    the first that is not blank. Several header records (`header_rows`) are read as one: `应收账款` over `期初` is
    `应收账款/期初`, and a cell merged over several columns counts for each of them.

    Args:
        records: the first records of the file, as many as are needed.
        file_mapping: what the source says about the file.
        file_name: the name to show in an error.

    Raises:
        InputError: `empty_file` (no record holds anything), `header_row_missing` (the mapping's `header_row` lies
            beyond the file), `column_missing` (a header the mapping names is not there; all of them at once).
    """
    if not any(_is_filled(record) for record in records):
        raise InputError(
            "The file holds no records, not even a header.",
            code="empty_file",
            file=file_name,
            hint="ask for the export again, or mark the file `required: false` in the source mapping",
        )
    depth = max(file_mapping.header_rows, 1)
    first = _header_position(records, file_mapping, file_name, depth)
    printed = _combined(records[first : first + depth])
    _refuse_missing_columns(printed, file_mapping, file_name, row=first + depth)
    before = records[:first]
    blank = sum(not _is_filled(record) for record in before)
    stated = title_unit(cell for record in before for cell in record)
    if file_mapping.unit is not None:
        stated = UNITS[file_mapping.unit]
    units = tuple(header_unit(header) if header_unit(header) is not None else stated for header in printed)
    return Layout(
        headers=unique_headers(printed),
        header_record=first + depth,
        leading={"title": len(before) - blank, "blank": blank, "header": depth},
        unit_factors=units,
        header_cells=tuple(tuple(record) for record in records[first : first + depth]),
        titles=tuple(next(cell for cell in record if cell.strip()) for record in before if _is_filled(record)),
    )


def unique_headers(printed: Sequence[str]) -> tuple[str, ...]:
    """The printed headers without outer blanks, each different: repeated ones get `.1`, `.2`, empty ones a number."""
    unique: list[str] = []
    for position, header in enumerate(printed, start=1):
        name = _INVISIBLE.sub(" ", header).strip() or f"column {position}"
        suffix, candidate = 0, name
        while candidate in unique:
            suffix += 1
            candidate = f"{name}.{suffix}"
        unique.append(candidate)
    return tuple(unique)


def header_position(headers: Sequence[str], wanted: str) -> int | None:
    """Where a header the mapping names stands: letter by letter first, else in normal form; None if it does not."""
    for same in (str, normalise_header, _without_unit):
        for position, header in enumerate(headers):
            if same(header) == same(wanted):
                return position
    return None


def header_positions(headers: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where several headers stand; those that are not there are left out (`find_header` has refused the file then)."""
    found = (header_position(headers, header) for header in wanted)
    return [position for position in found if position is not None]


# --- helpers ----------------------------------------------------------------------------------------------------------


def _folded(text: str) -> str:
    folded = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold().translate(_SIMPLIFIED)
    return _MARKS.sub("", folded)


def _without_unit(header: str) -> str:
    form = _folded(header)
    return (_UNIT_IN_HEADER.sub("", form) or form).replace("_", "")


def _forms(header: str) -> tuple[str, ...]:
    whole, bare = normalise_header(header), _without_unit(header)
    return (whole,) if whole == bare else (whole, bare)


def _words(column: Field) -> tuple[str, ...]:
    return () if column.name in _OURS_ONLY else (*column.synonyms, column.label_zh, column.name)


def _first_position(column: Field, positions: Mapping[str, int], taken: Collection[int]) -> int | None:
    for word in _words(column):
        position = positions.get(normalise_header(word))
        if position is not None and position not in taken:
            return position
    return None


def _named_headers(file_mapping: FileMapping) -> Iterator[str]:
    yield from file_mapping.fill_down
    for feed in file_mapping.feeds:
        for column in (feed.columns or {}).values():
            if column.header is not None:
                yield column.header
            yield from _identifiers(column.expression)
        yield from _identifiers(feed.where)
        yield from _identifiers(feed.deleted)
        for rule in feed.drop:
            yield from _identifiers(rule.where)


def _identifiers(sql: str | None) -> Iterator[str]:
    # A regular expression is enough: strings are matched first, so quotation marks inside them do not count.
    for match in _QUOTED_IDENTIFIER.finditer(sql or ""):
        if match[1] is not None:
            yield match[1].replace('""', '"')


def _is_filled(record: Sequence[str]) -> bool:
    return any(_INVISIBLE.sub("", cell) for cell in record)


def _header_position(records: Sequence[Sequence[str]], file_mapping: FileMapping, file_name: str, depth: int) -> int:
    if file_mapping.header_row is not None:
        if file_mapping.header_row + depth - 1 > len(records):
            raise InputError(
                "The file ends before the header row the mapping names.",
                code="header_row_missing",
                file=file_name,
                row=file_mapping.header_row,
                count=len(records),
                hint="correct `header_row` in the source mapping",
            )
        return file_mapping.header_row - 1
    candidates = range(max(len(records) - depth + 1, 1))
    known = known_headers(file_mapping)
    matches = {i: _known_cells(_combined(records[i : i + depth]), known) for i in candidates}
    best = max(candidates, key=lambda i: (matches[i], -i))
    filled = [cell for cell in records[best] if cell.strip()]
    if matches[best] >= 2 or (matches[best] == 1 and (len(filled) == 1 or len(mapped_headers(file_mapping)) == 1)):
        return best
    texts = (i for i in candidates if _is_row_of_texts(records[i]))
    return next(texts, next(i for i, record in enumerate(records) if _is_filled(record)))


def _known_cells(cells: Sequence[str], known: frozenset[str]) -> int:
    return len({_forms(cell)[0] for cell in cells if not known.isdisjoint(_forms(cell))})


_NUMBER_OR_DATE = re.compile(r"[-+(]?[¥$]?[\d.,:/%年月日 -]+\)?")


def _is_row_of_texts(record: Sequence[str]) -> bool:
    filled = [cell.strip() for cell in record if cell.strip()]
    return len(filled) >= 2 and not any(_NUMBER_OR_DATE.fullmatch(cell) for cell in filled)


def _combined(rows: Sequence[Sequence[str]]) -> list[str]:
    if len(rows) == 1:
        return list(rows[0])
    width = max(len(row) for row in rows)
    padded = [[*row, *[""] * (width - len(row))] for row in rows]
    for row in padded[:-1]:
        for i in range(1, width):
            # A merged cell leaves its text in the first column only; it ends where an upper header begins anew.
            row[i] = row[i] or (row[i - 1] if padded[-1][i].strip() else "")
    return [
        "/".join(dict.fromkeys(part.strip() for part in parts if part.strip())) for parts in zip(*padded, strict=True)
    ]


def _refuse_missing_columns(printed: Sequence[str], file_mapping: FileMapping, file_name: str, row: int) -> None:
    headers = unique_headers(printed)
    missing = [header for header in mapped_headers(file_mapping) if header_position(headers, header) is None]
    if missing:
        raise InputError(
            f"The file lacks {len(missing)} of the columns its mapping names.",
            code="column_missing",
            file=file_name,
            row=row,
            column=", ".join(missing),
            count=len(missing),
            details=[_closest_sentence(header, headers) for header in missing],
            hint="correct the header in the source mapping, or name the header row with `header_row`",
        )


def _closest_sentence(wanted: str, headers: Sequence[str]) -> str:
    close = difflib.get_close_matches(wanted, headers, n=3, cutoff=0.4)
    return (
        f"“{wanted}” is not there; closest: {', '.join(close)}"
        if close
        else f"“{wanted}” is not there, nor anything like it"
    )
